"""Names in policies that do not exist in the workspace: such a policy reports nothing."""

from collections.abc import Iterator, Sequence

from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.targets import Target
from orchestration_platform.alerts.workspace.asset_graph import AssetGraph, SelectionError
from orchestration_platform.alerts.workspace.names import WorkspaceNames
from shared_lib.discovery.modules import did_you_mean


def unknown_names(policies: Sequence[Policy], known: WorkspaceNames) -> list[str]:
    """Return a line for each name that a policy uses and that does not exist.

    The names in a location that does not load are not checked.
    """
    return [
        f"{policy.name}: {problem}"
        for policy in policies
        for target in policy.alert_targets
        for problem in _problems_of(target, known)
    ]


def _problems_of(target: Target, known: WorkspaceNames) -> Iterator[str]:
    if runs := target.runs:
        yield from _unknown_locations(runs.location_names, known)
        for job in runs.jobs:
            yield from _unknown("job", job.job_name, job.location_name, known)
    if instigators := target.schedule_or_sensor_target:
        yield from _unknown_locations(instigators.location_names, known)
        for one in instigators.schedules_or_sensors:
            yield from _unknown("schedule or sensor", one.name, one.location_name, known)
    if locations := target.code_location_target:
        yield from _unknown_locations(locations.location_names, known)
    if group := target.asset_group_target:
        yield from _unknown("asset group", group.asset_group, group.location_name, known)
    if None not in known.locations.values():
        yield from _unknown_assets(target, known.assets)


def _unknown(what: str, name: str, location: str, known: WorkspaceNames) -> Iterator[str]:
    if location not in known.locations:
        yield from _unknown_locations([location], known)
        return
    names = known.locations[location]
    if names is None:
        return
    possible = {
        "job": names.jobs,
        "schedule or sensor": names.instigators,
        "asset group": names.groups,
    }[what]
    if name not in possible:
        yield f"{location} has no {what} {name}{did_you_mean(name, sorted(possible))}"


def _unknown_locations(names: Sequence[str], known: WorkspaceNames) -> Iterator[str]:
    for name in names:
        if name not in known.locations:
            yield f"there is no code location {name}{did_you_mean(name, list(known.locations))}"


def _unknown_assets(target: Target, assets: AssetGraph) -> Iterator[str]:
    if asset := target.asset_key_target:
        key = "/".join(asset.asset_key)
        if key not in assets.by_key:
            yield f"there is no asset {key}{did_you_mean(key, list(assets.by_key))}"
    if selection := target.asset_selection_target:
        text = selection.asset_selection
        try:
            if not assets.select(text):
                yield f"no asset matches asset_selection {text!r}"
        except SelectionError as error:
            yield f"asset_selection {text!r}: {error}"
