"""Resources: those that the file names, and stand-ins for those elsewhere in a project."""

from collections.abc import Iterable, Mapping
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.definitions.attributes import Asset
from shared_lib.discovery.modules import UnresolvedReferenceError, find_object


def with_named(
    passed: Mapping[str, Any] | None, entries: Mapping[str, str], *, package: str
) -> tuple[Mapping[str, Any] | None, list[Problem]]:
    """Return the resources of the definitions module and of the file, and what is wrong.

    Args:
        passed: those of the definitions module; None where Dagster looks for them elsewhere.
        entries: the section ``resources``.
        package: the package that references are relative to.
    """
    named: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, reference in entries.items():
        try:
            named[name] = find_object(reference, package=package)
        except UnresolvedReferenceError as error:
            problems.append(Problem(("resources", name), str(error)))
            continue
        if isinstance(named[name], type):
            text = f"{reference} is a class, allowed is an object of it"
            problems.append(Problem(("resources", name), text))
        elif name in (passed or {}):
            text = "the definitions module sets a resource by this name too"
            problems.append(Problem(("resources", name), text))
    return ({**(passed or {}), **named} if named else passed), problems


def stand_ins(assets: Iterable[Asset]) -> dict[str, dg.ResourceDefinition]:
    """Return an empty resource for each that the assets require.

    Dagster resolves no selection among assets whose resources are missing, although it needs none
    of them for that.
    """
    return {
        key: dg.ResourceDefinition.none_resource()
        for asset in assets
        if isinstance(asset, dg.AssetsDefinition)
        for key in asset.required_resource_keys - {"io_manager"}
    }
