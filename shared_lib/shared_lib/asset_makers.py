"""Which location makes an asset: only one may."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # the process that compares locations loads none of them
    import dagster as dg


def made_here(definitions: "dg.Definitions") -> list[str]:
    """Return the keys of the assets that a location makes, and not only declares."""
    graph = definitions.resolve_asset_graph()
    return sorted(key.to_user_string() for key in graph.materializable_asset_keys)


def made_in_two(made: Mapping[str, Sequence[str]]) -> list[str]:
    """Describe the assets that more than one location makes.

    Args:
        made: by location, the keys that it makes.
    """
    makers: dict[str, list[str]] = {}
    for location, keys in made.items():
        for key in keys:
            makers.setdefault(key, []).append(location)
    return [
        f"asset {key} is made by {' and by '.join(found)}: only one location may make it, or "
        "select its dbt model"
        for key, found in sorted(makers.items())
        if len(found) > 1
    ]
