"""What the file sets for all assets of a module: their group, and a prefix of their keys."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import dagster as dg

from shared_lib.discovery.configuration.assets import AssetModule
from shared_lib.discovery.definitions.attributes import Asset, Given, keys_of
from shared_lib.discovery.modules import FoundModule

Defined = TypeVar("Defined", bound=Asset)


@dataclass(frozen=True)
class ModuleAttributes:
    """What modules define, with the keys that the file gives their assets.

    Attributes:
        definitions: all of it.
        assets: its assets.
        given: for each key, the attributes of its module.
    """

    definitions: dg.Definitions
    assets: Sequence[Asset]
    given: Mapping[dg.AssetKey, Mapping[str, Given]]


def of_modules(
    inside: dg.Definitions,
    *,
    modules: Sequence[FoundModule],
    entries: Sequence[str | AssetModule],
) -> ModuleAttributes:
    """Return what modules define as the file names it.

    What depends on a renamed asset, or checks it, follows it, in whichever module it is.

    Args:
        inside: what the modules define.
        modules: the modules.
        entries: the section ``asset_modules``.
    """
    assets: list[Asset] = [
        asset
        for asset in inside.assets or []
        if isinstance(asset, dg.AssetsDefinition | dg.AssetSpec)
    ]
    renamed: dict[dg.AssetKey, dg.AssetKey] = {}
    given: dict[dg.AssetKey, dict[str, Given]] = {}
    for asset in assets:
        position = _position(asset, modules)
        entry = None if position is None else entries[position]
        if not isinstance(entry, AssetModule):
            continue
        for key in keys_of(asset):
            if entry.key_prefix is not None:
                renamed[key] = key.with_prefix(entry.key_prefix.split("/"))
            if entry.group is not None:
                place = ("asset_modules", cast("int", position), "group")
                given[renamed.get(key, key)] = {"group": Given(entry.group, place)}
    if not renamed:
        return ModuleAttributes(inside, assets, given)
    definitions = dg.Definitions(
        assets=[_renamed(asset, renamed) for asset in assets],
        asset_checks=[_renamed(check, renamed) for check in inside.asset_checks or []],
        jobs=inside.jobs,
        schedules=inside.schedules,
        sensors=inside.sensors,
    )
    return ModuleAttributes(definitions, cast("Any", definitions.assets), given)


def _position(asset: Asset, modules: Sequence[FoundModule]) -> int | None:
    """Return which entry an asset is of: the one that defines it, before those that import it."""
    keys = set(keys_of(asset))
    having = [found for found in modules if keys & set(_keys_in(found))]
    defined_in = _module_of_step(asset)
    own = [found for found in having if found.module.__name__ == defined_in]
    return next((found.position for found in (*own, *having)), None)


def _keys_in(found: FoundModule) -> Iterator[dg.AssetKey]:
    for value in vars(found.module).values():
        # Dagster finds lists of assets too; some of its own objects are tuples
        for one in value if type(value) in (list, tuple) else [value]:
            if isinstance(one, dg.AssetsDefinition | dg.AssetSpec):
                yield from keys_of(one)


def _module_of_step(asset: Asset) -> str | None:
    if isinstance(asset, dg.AssetSpec) or not asset.is_executable:
        return None
    function: Any = getattr(asset.node_def, "compute_fn", None)  # a graph has none
    return getattr(getattr(function, "decorated_fn", function), "__module__", None)


def _renamed(one: Defined, keys: Mapping[dg.AssetKey, dg.AssetKey]) -> Defined:
    if isinstance(one, dg.AssetSpec):
        deps = [
            dg.AssetDep(
                asset=keys.get(dep.asset_key, dep.asset_key),
                partition_mapping=dep.partition_mapping,
            )
            for dep in one.deps
        ]
        return cast("Defined", one.replace_attributes(key=keys.get(one.key, one.key), deps=deps))
    renamed = one.with_attributes(asset_key_replacements=keys)
    if not isinstance(one, dg.AssetChecksDefinition):
        return cast("Defined", renamed)
    with warnings.catch_warnings():
        # Dagster warns of a parameter that it passes itself
        warnings.filterwarnings("ignore", "Parameter `execution_type` of", dg.BetaWarning)
        return cast("Defined", dg.AssetChecksDefinition(**renamed.get_attributes_dict()))
