"""Jobs of several locations whose sensors would start one another for ever."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.jobs import AssetSensor, RunStatusSensor, Sensor
from shared_lib.discovery.definitions.problems.rings import rings
from shared_lib.discovery.elsewhere import parts_of

if TYPE_CHECKING:
    from shared_lib.discovery.location import Location


def rings_across(locations: Mapping[str, "Location"]) -> Iterator[tuple[str, Problem]]:
    """Yield the sensors that close a ring, each with its location.

    A ring within one location keeps that from loading.

    Args:
        locations: the locations of the workspace by name.
    """
    made_by = {
        f"{name}:{job.name}": _made_by(job)
        for name, location in locations.items()
        for job in location.definitions.get_repository_def().get_all_jobs()
    }
    sensors = {
        f"{name}:{own}": _with_locations(sensor, name, [*made_by])
        for name, location in locations.items()
        for own, sensor in location.configuration.sensors.items()
    }
    for problem in rings(sensors, made_by):
        section, sensor = problem.location
        name, own = str(sensor).split(":")
        yield name, Problem((section, own), problem.text)


def _made_by(job: dg.JobDefinition) -> frozenset[dg.AssetKey]:
    return frozenset(job.asset_layer.executable_asset_keys)


def _with_locations(sensor: Sensor, here: str, jobs: list[str]) -> Sensor:
    """Return the sensor with the names that the whole workspace has for its jobs and assets."""
    if not isinstance(sensor, RunStatusSensor | AssetSensor):
        return sensor
    own = f"{here}:{sensor.job}"
    if isinstance(sensor, AssetSensor):
        # an asset has one key in all locations
        assets = [parts_of(name)[1] for name in sensor.assets]
        return sensor.model_copy(update={"job": own, "assets": assets})
    if sensor.monitored_jobs is None:
        watched = [job for job in jobs if job.startswith(f"{here}:") and job != own]
    else:
        watched = [name if ":" in name else f"{here}:{name}" for name in sensor.monitored_jobs]
    return sensor.model_copy(update={"job": own, "monitored_jobs": watched})
