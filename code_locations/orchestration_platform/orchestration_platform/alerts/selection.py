"""Dagster's grammar for selecting assets, resolved against assets that another process defines."""

import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

# Dagster resolves `code_location:` against a workspace only. Here the location is a tag.
_LOCATION_TAG = "platform_code_location"
_LOCATION = re.compile(r'("(?:[^"\\]|\\.)*")|\bcode_location:')


@dataclass(frozen=True, kw_only=True)
class AssetFacts:
    """What the workspace says of an asset.

    Attributes:
        key: its parts, joined by slashes.
        location: the code location that makes it.
        group: its group.
        owners: addresses, or ``team:name``.
        tags: name and value.
        kinds: such as ``dbt``.
        upstream: the keys of what it is made from.
        is_made_here: whether Dagster makes it, or it is only known to be there.
    """

    key: str
    location: str
    group: str
    owners: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]
    upstream: tuple[str, ...]
    is_made_here: bool


def parsed_selection(text: str) -> "dg.AssetSelection":
    """What ``text`` selects.

    Raises:
        ValueError: it is not in the grammar.
    """
    import dagster as dg

    local = _LOCATION.sub(lambda found: found[1] or f"tag:{_LOCATION_TAG}=", text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        try:
            return dg.AssetSelection.from_string(local)
        except dg.DagsterError as error:
            raise ValueError(
                f"{text!r} is no asset selection: write for example group:marts, tag:tier=gold, "
                'owner:"team:hr" or key:census+'
            ) from error


class AssetGraph:
    """Assets with what lies up and down of them."""

    def __init__(self, assets: Collection[AssetFacts]) -> None:
        """Know ``assets``; one of a key that several locations have is the one that makes it."""
        ordered = sorted(assets, key=lambda asset: asset.is_made_here)
        self.by_key = {asset.key: asset for asset in ordered}
        self._selected: dict[str, frozenset[str]] = {}

    def select(self, text: str) -> frozenset[str]:
        """The keys of the assets that ``text`` selects."""
        import dagster as dg

        if text not in self._selected:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", dg.BetaWarning)
                found = parsed_selection(text).resolve(self._definitions, allow_missing=True)
            self._selected[text] = frozenset(key.to_user_string() for key in found)
        return self._selected[text]

    @cached_property
    def _definitions(self) -> "Sequence[dg.AssetsDefinition]":
        import dagster as dg

        made = [_spec(asset) for asset in self.by_key.values() if asset.is_made_here]
        known = [_spec(asset) for asset in self.by_key.values() if not asset.is_made_here]

        @dg.multi_asset(specs=made, can_subset=True)
        def everything():  # noqa: ANN202 - Dagster would take it for that of each asset
            ...

        return [
            *([everything] if made else []),
            *([dg.AssetsDefinition(specs=known)] * bool(known)),
        ]


def _spec(asset: AssetFacts) -> "dg.AssetSpec":
    import dagster as dg

    return dg.AssetSpec(
        key=asset.key.split("/"),
        group_name=asset.group,
        owners=list(asset.owners),
        tags={**dict(asset.tags), _LOCATION_TAG: asset.location},
        kinds=set(asset.kinds),
        deps=[dg.AssetKey(key.split("/")) for key in asset.upstream],
    )
