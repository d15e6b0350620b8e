"""Names that one section of the configuration uses and another defines."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from shared_lib.configuration.validated_yaml import Location, Problem
from shared_lib.discovery.configuration import LocationConfiguration
from shared_lib.discovery.configuration.jobs import AssetSensor, RunStatusSensor
from shared_lib.discovery.definitions.attributes import Asset, keys_of
from shared_lib.discovery.elsewhere import parts_of
from shared_lib.discovery.modules import did_you_mean


def unknown_names(configuration: LocationConfiguration, document: Any) -> Iterator[Problem]:
    """Yield the names of jobs and partitions that the file uses but does not define.

    Args:
        configuration: the file, perhaps without its wrong entries.
        document: the whole file, where wrong entries count as defined.
    """
    for used, section in (
        (_jobs_used(configuration), "jobs"),
        (_partitions_used(configuration), "partitions"),
    ):
        entries = document.get(section, {})
        if not isinstance(entries, Mapping):
            continue  # which is reported itself
        known = [str(name) for name in entries]
        for location, name in used:
            if name is not None and name not in known and parts_of(name)[0] is None:
                yield _unknown(location, name, known)


def _jobs_used(configuration: LocationConfiguration) -> Iterator[tuple[Location, str | None]]:
    for name, schedule in configuration.schedules.items():
        yield ("schedules", name, "job"), schedule.job
    for name, sensor in configuration.sensors.items():
        yield ("sensors", name, "job"), getattr(sensor, "job", None)
        if isinstance(sensor, RunStatusSensor):
            for position, watched in enumerate(sensor.monitored_jobs or []):
                yield ("sensors", name, "monitored_jobs", position), watched


def _partitions_used(
    configuration: LocationConfiguration,
) -> Iterator[tuple[Location, str | None]]:
    for position, rule in enumerate(configuration.assets):
        yield ("assets", position, "partitions"), rule.partitions
    if configuration.dbt and configuration.dbt.partitioned:
        yield ("dbt", "partitioned", "by"), configuration.dbt.partitioned.by
    for name, job in configuration.jobs.items():
        yield ("jobs", name, "partitions"), getattr(job, "partitions", None)


def unknown_assets(
    configuration: LocationConfiguration, assets: Sequence[Asset]
) -> Iterator[Problem]:
    """Yield the assets that checks and sensors name but the location does not have."""
    known = sorted({key.to_user_string() for asset in assets for key in keys_of(asset)})
    for name, check in configuration.checks.items():
        if check.asset not in known:
            yield _unknown(("checks", name, "asset"), check.asset, known)
    for name, sensor in configuration.sensors.items():
        if isinstance(sensor, AssetSensor):
            for position, asset in enumerate(sensor.assets):
                if asset not in known and parts_of(asset)[0] is None:
                    yield _unknown(("sensors", name, "assets", position), asset, known)


def _unknown(location: Location, name: str, known: Sequence[str]) -> Problem:
    if not known:
        return Problem(location, f"there is no {name}, nothing of the kind is defined")
    near = did_you_mean(name, known)
    shown = near or f", allowed is one of: {', '.join(known)}"
    return Problem(location, f"there is no {name}{shown}")
