"""Build Dagster's partitions definitions from the configuration."""

from collections.abc import Mapping
from datetime import timedelta
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

# After the start: what repeats within a day, a week, a month, a year or ten shows in a few periods.
_TRIED_PERIODS = 30
_TRIED_AFTER = [timedelta(days=days) for days in (0, 1, 8, 32, 367, 3653)]


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
        except _WrongFieldError as error:
            location = ("partitions", name, *error.field)
            problems.append(Problem(location, str(error)))
    return built, problems


class _WrongFieldError(Exception):
    """A field that does not fit the others; ``field`` leads to it."""

    def __init__(self, text: str, *field: str) -> None:
        super().__init__(text)
        self.field = field


def _build(entry: configured.Partitions, package: str) -> dg.PartitionsDefinition:
    match entry:
        case configured.Static(keys_from=str(reference)):
            return dg.StaticPartitionsDefinition(_computed(reference, package))
        case configured.Static():
            numbers = range(entry.first or 0, (entry.last or 0) + 1)
            return dg.StaticPartitionsDefinition(entry.keys or [str(number) for number in numbers])
        case configured.Dynamic():
            if not entry.name:
                raise _WrongFieldError("'' is not allowed, allowed is a name", "name")
            return dg.DynamicPartitionsDefinition(name=entry.name)
        case configured.Multi():
            return dg.MultiPartitionsDefinition(
                {name: _dimension(name, inner, package) for name, inner in entry.dimensions.items()}
            )
        case _:
            return _by_time(entry)


def _dimension(
    name: str, entry: configured.SinglePartitions, package: str
) -> dg.PartitionsDefinition:
    try:
        return _build(entry, package)
    except _WrongFieldError as error:
        raise _WrongFieldError(str(error), "dimensions", name, *error.field) from error


def _computed(reference: str, package: str) -> list[str]:
    function = find_object(reference, package=package)
    try:
        keys = list(function())
    except Exception as error:  # show users any error of their function
        text = f"{reference} failed: {type(error).__name__}: {error}"
        raise _WrongFieldError(text, "keys_from") from error
    wrong = [key for key in keys if not isinstance(key, str)]
    if wrong or len(set(keys)) < len(keys) or not keys:
        text = f"{reference} returns {keys!r}, allowed is a list of different texts"
        raise _WrongFieldError(text, "keys_from")
    return keys


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
    built = dg.TimeWindowPartitionsDefinition(
        start=entry.start,
        end=entry.end,
        fmt=entry.format or default_format,
        timezone=entry.timezone,
        end_offset=entry.end_offset,
        cron_schedule=cron,
    )
    if built.end is not None and built.end <= built.start:
        text = f"{entry.end!r} is not allowed, allowed is after the start {entry.start!r}"
        raise _WrongFieldError(text, "end")
    _check_keys(built)
    return built


def _check_keys(partitions: dg.TimeWindowPartitionsDefinition) -> None:
    """Check that the keys of some periods lead back to them."""
    last = partitions.start + _TRIED_AFTER[-1]
    if partitions.end is not None:
        last = min(last, partitions.end)
    for after in _TRIED_AFTER:
        moment = partitions.start + after
        for _ in range(_TRIED_PERIODS):
            window = partitions.get_next_partition_window(moment, respect_bounds=False)
            if window is None or window.start > last:
                break
            key = partitions.get_partition_key_for_timestamp(window.start.timestamp())
            if partitions.time_window_for_partition_key(key).start != window.start:
                text = (
                    f"{partitions.fmt!r} is not allowed, because the key {key!r} does not lead to "
                    f"the period that begins at {window.start}: use a finer format"
                )
                raise _WrongFieldError(text, "format")
            moment = window.end
