"""Jobs and assets of other locations, which sensors name as ``location:job``."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.discovery.configuration.jobs import AssetSensor, RunStatusSensor, Sensor
from shared_lib.discovery.modules import did_you_mean

if TYPE_CHECKING:
    import dagster as dg


def parts_of(name: str) -> tuple[str | None, str]:
    """Return the location that a name begins with, None for this one, and the rest."""
    location, separator, rest = name.partition(":")
    return (location, rest) if separator else (None, name)


def missing_elsewhere(
    sensors: Mapping[str, Sensor],
    *,
    here: str | None,
    locations: Mapping[str, "Callable[[], dg.Definitions] | None"],
) -> Iterator[Problem]:
    """Yield the jobs and assets of other locations that these do not have.

    A location loads without the others, so that it can be deployed alone.

    Args:
        sensors: the sensors of a location.
        here: its name in the workspace, if it has one.
        locations: by name, what loads a location; None where that cannot be done here.
    """
    for place, name, kind in _watched(sensors):
        location, rest = parts_of(name)
        if location is None:
            continue
        if location == here:
            yield Problem(place, f"{location} is this location, allowed is {rest} alone")
        elif location not in locations:
            near = did_you_mean(location, list(locations))
            others = ", ".join(sorted(locations.keys() - {here}))
            shown = near or f", allowed is one of: {others}"
            yield Problem(place, f"there is no location {location}{shown}")
        elif (load := locations[location]) is not None:
            known = _known(load(), kind)
            if rest not in known:
                text = f"the location {location} has no {kind} {rest}{did_you_mean(rest, known)}"
                yield Problem(place, text)


def watches_elsewhere(sensors: Mapping[str, Sensor]) -> bool:
    """Return whether a sensor watches a job or asset of another location."""
    return any(parts_of(name)[0] is not None for _, name, _ in _watched(sensors))


def _watched(sensors: Mapping[str, Sensor]) -> Iterator[tuple[Location, str, str]]:
    for name, sensor in sensors.items():
        if isinstance(sensor, RunStatusSensor):
            for position, job in enumerate(sensor.monitored_jobs or []):
                yield ("sensors", name, "monitored_jobs", position), job, "job"
        if isinstance(sensor, AssetSensor):
            for position, asset in enumerate(sensor.assets):
                yield ("sensors", name, "assets", position), asset, "asset"


def _known(definitions: "dg.Definitions", kind: str) -> list[str]:
    repository = definitions.get_repository_def()
    if kind == "asset":
        return sorted(key.to_user_string() for key in repository.asset_graph.get_all_asset_keys())
    return sorted(job.name for job in repository.get_all_jobs())
