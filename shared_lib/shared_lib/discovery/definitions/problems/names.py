"""Names that Dagster allows only once, or not at all."""

from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.configuration.jobs import OpJob
from shared_lib.discovery.definitions.attributes import Asset
from shared_lib.discovery.definitions.jobs import op_name

_SECTIONS = ("jobs", "schedules", "sensors")


def reserved_names(configuration: LocationConfiguration) -> Iterator[Problem]:
    """Yield the names that Dagster keeps for itself, such as Python's keywords."""
    named = [(section, name) for section in _SECTIONS for name in getattr(configuration, section)]
    places = [((section, name), name) for section, name in named]
    if configuration.dbt:
        places.append((("dbt", "name"), configuration.dbt.name))
    for location, name in places:
        try:
            dg.GraphDefinition(name=name)
        except dg.DagsterInvalidDefinitionError:
            text = f"{name!r} is reserved by Dagster or Python, allowed is another name"
            yield Problem(location, text)


def names_used_twice(
    configuration: LocationConfiguration, inside: dg.Definitions, assets: Sequence[Asset]
) -> Iterator[Problem]:
    """Yield the names in the file that another entry or the modules already use.

    Args:
        configuration: the file.
        inside: what the modules define.
        assets: all assets of the location.
    """
    for section in _SECTIONS:
        taken = {definition.name for definition in getattr(inside, section) or []}
        for name in getattr(configuration, section):
            if name in taken:
                text = f"the modules define one of {section} by the name {name} too"
                yield Problem((section, name), text)
    yield from _schedules_and_sensors(configuration, inside)
    yield from _jobs_and_steps(configuration, inside, assets)
    in_code = {
        (key.asset_key.to_user_string(), key.name)
        for check in inside.asset_checks or []
        for key in check.check_keys
    }
    for name, check in configuration.checks.items():
        if (check.asset, name) in in_code:
            text = f"the modules define a check {name} of {check.asset} too"
            yield Problem(("checks", name), text)


def _schedules_and_sensors(
    configuration: LocationConfiguration, inside: dg.Definitions
) -> Iterator[Problem]:
    """Yield the names that a schedule and a sensor share, which Dagster keeps in one list."""
    for section, other in (("schedules", "sensors"), ("sensors", "schedules")):
        taken = {definition.name for definition in getattr(inside, other) or []}
        for name in getattr(configuration, section):
            if name in taken:
                text = f"the modules define one of {other} by the name {name}, use another name"
                yield Problem((section, name), text)
    for name in configuration.sensors:
        if name in configuration.schedules:
            text = f"there is a schedule by the name {name} too, use another name"
            yield Problem(("sensors", name), text)


def _jobs_and_steps(
    configuration: LocationConfiguration, inside: dg.Definitions, assets: Sequence[Asset]
) -> Iterator[Problem]:
    """Yield the jobs with the name of a step, because Dagster makes a graph for each job."""
    in_code = {job.name for job in inside.jobs or []}
    taken = dict(_steps(configuration, inside, assets))
    ops = {op_name(name): name for name in _op_jobs(configuration)}
    for name in configuration.jobs:
        if name in taken and name not in in_code:
            yield Problem(("jobs", name), f"{taken[name]} has this name, use another name")
        elif name in ops:
            text = f"the step of the job {ops[name]} has this name, use another name"
            yield Problem(("jobs", name), text)
    for step, name in ops.items():
        if step in taken:
            text = f"its step would be {step}, and {taken[step]} has this name, use another name"
            yield Problem(("jobs", name), text)


def _op_jobs(configuration: LocationConfiguration) -> list[str]:
    return [name for name, job in configuration.jobs.items() if isinstance(job, OpJob)]


def _steps(
    configuration: LocationConfiguration, inside: dg.Definitions, assets: Sequence[Asset]
) -> Iterator[tuple[str, str]]:
    """Yield the names of all steps but those of the file's jobs, and what each belongs to."""
    for asset in [*assets, *(inside.asset_checks or [])]:
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable:  # or it has no step
            keys = [key.to_user_string() for key in sorted(asset.keys)]
            whose = f"the asset {keys[0]}" if keys else "an asset check"
            yield from ((name, f"a step of {whose}") for name in _nodes(asset.node_def))
    for name, check in configuration.checks.items():
        step = f"{dg.AssetKey.from_user_string(check.asset).to_python_identifier()}_{name}"
        yield step, f"the step of the check {name} of {check.asset}"
    for job in inside.jobs or []:
        if isinstance(job, dg.JobDefinition):
            yield from ((name, f"a step of the job {job.name}") for name in _nodes(job.graph))


def _nodes(node: Any) -> Iterator[str]:
    yield node.name
    if isinstance(node, dg.GraphDefinition):
        for inner in node.node_defs:
            yield from _nodes(inner)


def assets_made_twice(assets: Sequence[Asset]) -> tuple[list[Asset], list[Problem]]:
    """Return the assets without those whose key an earlier one has, and the problems of these."""
    seen: dict[dg.AssetKey, tuple[Asset, str]] = {}
    kept: list[Asset] = []
    problems: list[Problem] = []
    for asset in assets:
        name = "a spec"
        if isinstance(asset, dg.AssetsDefinition) and asset.is_executable:
            name = f"the step {asset.node_def.name}"
        keys = [asset.key] if isinstance(asset, dg.AssetSpec) else sorted(asset.keys)
        # the loader finds a spec twice that is in a list too
        twice = [key for key in keys if key in seen and seen[key][0] != asset]
        for key in twice:
            text = f"{key.to_user_string()} is defined twice: by {seen[key][1]} and by {name}"
            problems.append(Problem(("asset_modules",), text))
        if not twice:
            kept.append(asset)
        seen |= {key: (asset, name) for key in keys if key not in seen}
    return kept, problems
