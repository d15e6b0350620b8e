"""Resolves Dagster's asset selection syntax against assets that another process defines."""

import hashlib
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import dagster as dg

# Dagster resolves `code_location:` only against a workspace. Here, the location is a tag.
_LOCATION_TAG = "platform_code_location"
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_LOCATION = re.compile(rf"\bcode_location\s*:\s*({_QUOTED}|<null>|[\w.-]+)|{_QUOTED}")
_ATTRIBUTE = re.compile(rf"{_QUOTED}|\b(\w+)\s*:")
# The facts below say nothing about other attributes: selecting by them would find nothing or fail.
_POSSIBLE = ("key", "group", "tag", "owner", "kind", "code_location", "is")


class SelectionError(RuntimeError):
    """A selection cannot be resolved against the assets of the workspace."""


@dataclass(frozen=True, kw_only=True)
class AssetFacts:
    """What the workspace reports about an asset.

    Attributes:
        key: the parts of its key, joined by slashes.
        location: the code location that makes it.
        group: its group.
        owners: addresses, or ``team:name``.
        tags: names and values.
        kinds: its kinds, such as ``dbt``.
        upstream: the keys of the assets it is made from.
        is_made_here: whether Dagster makes it, or only knows that it exists.
        runbook: what to do if it fails, from its metadata; empty without one.
    """

    key: str
    location: str
    group: str
    owners: tuple[str, ...]
    tags: tuple[tuple[str, str], ...]
    kinds: tuple[str, ...]
    upstream: tuple[str, ...]
    is_made_here: bool
    runbook: str = ""


def parsed_selection(text: str) -> "dg.AssetSelection":
    """Return the selection in ``text``.

    Raises:
        ValueError: the syntax is wrong, or it selects by an attribute that is not known here.
    """
    import dagster as dg

    local = _LOCATION.sub(_as_tag, text)
    if local != text:
        # in brackets, because otherwise anything that begins with `tag:` is read as one tag's value
        local = f"({local})"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.BetaWarning)
        try:
            selection = dg.AssetSelection.from_string(local)
        except dg.DagsterError as error:
            raise ValueError(
                f"{text!r} is not an asset selection: write for example group:marts, "
                'tag:tier=gold, owner:"team:hr" or key:census+'
            ) from error
    asked = {found[1] for found in _ATTRIBUTE.finditer(text) if found[1]}
    others = sorted(asked.difference(_POSSIBLE))
    if others:
        raise ValueError(
            f"{text!r} asks for {', '.join(others)}, which is not known for an asset here; "
            f"possible: {', '.join(_POSSIBLE)}"
        )
    return selection


def _as_tag(found: re.Match[str]) -> str:
    if not found[1]:
        return found[0]
    name = found[1].strip('"')
    return f'tag:{_LOCATION_TAG}="{_location_tag(name)}"'


def _location_tag(name: str) -> str:
    """Return the name in the form of a tag value, which allows neither spaces nor colons."""
    return hashlib.sha256(name.encode()).hexdigest()[:40]


class AssetGraph:
    """Assets with everything upstream and downstream of them."""

    def __init__(self, assets: Collection[AssetFacts]) -> None:
        """Store ``assets``; if several locations have a key, the asset of the one that makes it."""
        ordered = sorted(assets, key=lambda asset: asset.is_made_here)
        self.by_key = {asset.key: asset for asset in ordered}
        self._selected: dict[str, frozenset[str]] = {}
        # in a storm it is requested thousands of times
        self._unresolved: dict[str, str] = {}

    def select(self, text: str) -> frozenset[str]:
        """Return the keys of the assets that ``text`` selects.

        Raises:
            SelectionError: Dagster cannot resolve it against these assets.
        """
        if text in self._unresolved:
            raise SelectionError(self._unresolved[text])
        if text not in self._selected:
            try:
                self._selected[text] = self._resolved(text)
            except Exception as error:
                # whatever Dagster does not accept about the assets
                self._unresolved[text] = f"{type(error).__name__}: {error}"
                raise SelectionError(self._unresolved[text]) from error
        return self._selected[text]

    def _resolved(self, text: str) -> frozenset[str]:
        import dagster as dg

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", dg.BetaWarning)
            found = parsed_selection(text).resolve(self._definitions, allow_missing=True)
        return frozenset(key.to_user_string() for key in found)

    @cached_property
    def _definitions(self) -> "Sequence[dg.AssetsDefinition]":
        import dagster as dg

        made = [_spec(asset) for asset in self.by_key.values() if asset.is_made_here]
        known = [_spec(asset) for asset in self.by_key.values() if not asset.is_made_here]
        return [
            *([_made_by_one_op(made)] if made else []),
            *([dg.AssetsDefinition(specs=known)] * bool(known)),
        ]


def _made_by_one_op(specs: "Sequence[dg.AssetSpec]") -> "dg.AssetsDefinition":
    """Define the assets as if one op made them, with numbered outputs: not every key is a name."""
    import dagster as dg

    outputs = {f"asset_{number}": spec.key for number, spec in enumerate(specs)}
    everything = dg.OpDefinition(
        compute_fn=lambda: None,
        name="everything",
        outs={name: dg.Out(dg.Nothing, is_required=False) for name in outputs},
    )
    return dg.AssetsDefinition(
        keys_by_input_name={},
        keys_by_output_name=outputs,
        node_def=everything,
        specs=specs,
        can_subset=True,
    )


def _spec(asset: AssetFacts) -> "dg.AssetSpec":
    import dagster as dg

    # an asset can depend on itself only with partitions, which are not known here
    upstream = [dg.AssetKey(key.split("/")) for key in asset.upstream if key != asset.key]
    return dg.AssetSpec(
        key=asset.key.split("/"),
        group_name=asset.group,
        owners=list(asset.owners),
        tags={**dict(asset.tags), _LOCATION_TAG: _location_tag(asset.location)},
        kinds=set(asset.kinds),
        deps=upstream,
    )
