"""Build Dagster's partitions definitions from the configuration."""

from collections.abc import Mapping
from zoneinfo import ZoneInfoNotFoundError

import dagster as dg

from shared_lib.configuration.validated_yaml import Problem
from shared_lib.discovery.configuration import partitions as configured
from shared_lib.discovery.modules import find_object

# What Dagster raises for invalid partitions; an unknown time zone is a KeyError.
_REFUSALS = (
    dg.DagsterInvalidDefinitionError,
    dg.DagsterInvariantViolationError,
    ValueError,
    ZoneInfoNotFoundError,
)


def build_partitions(
    entries: Mapping[str, configured.Partitions], *, package: str
) -> tuple[dict[str, dg.PartitionsDefinition], list[Problem]]:
    """Return the definitions by name, and the problems that are found in the entries.

    Args:
        entries: the partitions by name.
        package: the package that ``keys_from`` is relative to.
    """
    built: dict[str, dg.PartitionsDefinition] = {}
    problems: list[Problem] = []
    for name, entry in entries.items():
        try:
            built[name] = _build(entry, package)
        except _REFUSALS as error:
            problems.append(Problem(("partitions", name), " ".join(str(error.args[0]).split())))
    return built, problems


def _build(entry: configured.Partitions, package: str) -> dg.PartitionsDefinition:
    match entry:
        case configured.Static(keys_from=str(reference)):
            return dg.StaticPartitionsDefinition(find_object(reference, package=package)())
        case configured.Static():
            numbers = range(entry.first or 0, (entry.last or 0) + 1)
            return dg.StaticPartitionsDefinition(entry.keys or [str(number) for number in numbers])
        case configured.Dynamic():
            return dg.DynamicPartitionsDefinition(name=entry.name)
        case configured.Multi():
            dimensions = {name: _build(inner, package) for name, inner in entry.dimensions.items()}
            return dg.MultiPartitionsDefinition(dimensions)
        case _:
            return _by_time(entry)


def _by_time(entry: configured.TimePartitions) -> dg.TimeWindowPartitionsDefinition:
    match entry:
        case configured.Hourly():
            cron, default_format = f"{entry.minute} * * * *", "%Y-%m-%d-%H:%M"
        case configured.Daily():
            cron, default_format = f"0 {entry.hour} * * *", "%Y-%m-%d"
        case configured.Weekly():
            cron, default_format = f"0 0 * * {entry.weekday}", "%Y-%m-%d"
        case configured.Monthly():
            cron, default_format = f"0 0 {entry.day} * *", "%Y-%m-%d"
        case configured.Yearly():
            cron, default_format = f"0 0 1 {entry.month} *", "%Y"
        case configured.CronWindow():
            cron, default_format = entry.cron, entry.format
        case _:
            raise TypeError(f"no partitions by time: {entry}")
    return dg.TimeWindowPartitionsDefinition(
        start=entry.start,
        end=entry.end,
        fmt=entry.format or default_format,
        timezone=entry.timezone,
        end_offset=entry.end_offset,
        cron_schedule=cron,
    )
