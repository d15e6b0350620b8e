"""Jobs that would start one another for ever."""

from collections.abc import Iterator, Mapping

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration.jobs import AssetSensor, RunStatusSensor, Sensor

MadeBy = Mapping[str, frozenset[dg.AssetKey]]
"""The assets that each job makes, by the job's name."""


def rings(sensors: Mapping[str, Sensor], made_by: MadeBy) -> Iterator[Problem]:
    """Yield the sensors that close a ring: their job leads to the runs that they react to.

    Args:
        sensors: the sensors by name.
        made_by: the jobs of the location, and the assets that each makes.
    """
    after: dict[str, set[str]] = {}
    for name, sensor in sensors.items():
        if not isinstance(sensor, RunStatusSensor | AssetSensor) or sensor.job not in made_by:
            continue
        causes = _causes(sensor, made_by)
        for cause in sorted(causes):
            way = _way(sensor.job, cause, after)
            if way is not None:
                circle = " -> ".join([*way, sensor.job])
                text = f"starts jobs in a ring, {circle}: leave out one of them"
                yield Problem(("sensors", name), text)
                break
        else:
            for cause in causes:
                after.setdefault(cause, set()).add(sensor.job)


def _causes(sensor: RunStatusSensor | AssetSensor, made_by: MadeBy) -> set[str]:
    """Return the jobs whose runs make the sensor start its own."""
    if isinstance(sensor, RunStatusSensor):
        if sensor.monitored_jobs is None:
            return made_by.keys() - {sensor.job}
        return set(sensor.monitored_jobs)
    watched = {dg.AssetKey.from_user_string(name) for name in sensor.assets}
    if sensor.require == "all":
        return {job for job, made in made_by.items() if watched <= made}
    return {job for job, made in made_by.items() if watched & made}


def _way(first: str, last: str, after: Mapping[str, set[str]]) -> list[str] | None:
    """Return the jobs from the first to the last, each started after the one before."""
    ways, seen = [[first]], {first}
    while ways:
        way = ways.pop(0)
        if way[-1] == last:
            return way
        following = sorted(after.get(way[-1], set()) - seen)
        seen.update(following)
        ways += [[*way, job] for job in following]
    return None
