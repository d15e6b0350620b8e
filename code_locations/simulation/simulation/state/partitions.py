"""The partitions of a run: some years of one scenario."""

from collections.abc import Iterable, Mapping

import dagster as dg

from simulation.config.partitions import partition_key
from simulation.state.runs import YearRefusedError

DEFAULT_SCENARIO = "baseline"

_PARTITION = "dagster/partition"
_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")


def range_tags(scenario_id: str, years: range) -> dict[str, str]:
    """Return the tags of a run that computes several years of a scenario."""
    ends = (partition_key(scenario_id, year) for year in (years[0], years[-1]))
    return dict(zip(_RANGE, ends, strict=True))


def year_of_key(key: str) -> tuple[str, int] | None:
    """Return the scenario and year of a partition; None for a key of another kind."""
    scenario_id, separator, year = key.rpartition("|")
    return (scenario_id, int(year)) if separator and year.isdigit() else None


def scenario_of(tags: Mapping[str, str], *, requested: str | None) -> str:
    """Return the scenario of a run: that of its partitions, or the requested one without any.

    Raises:
        YearRefusedError: its partitions are of several scenarios, or not of the requested one.
    """
    found = scenarios_of(tags)
    if not found:
        return requested or DEFAULT_SCENARIO
    scenario_id = _only(found)
    if requested not in (None, scenario_id):
        message = (
            f"scenario {requested} was requested for a partition of scenario {scenario_id}: "
            "leave `scenario` out, or choose another partition"
        )
        raise YearRefusedError(message)
    return scenario_id


def scenarios_of(tags: Mapping[str, str]) -> set[str]:
    """Return the scenarios of a run's partitions; none if it was launched without."""
    keys = [tags[name] for name in (_PARTITION, *_RANGE) if name in tags]
    return {key.rpartition("|")[0] for key in keys}


def years_of(context: dg.AssetExecutionContext) -> range:
    """Return the years of the run's partition or range of partitions.

    Raises:
        YearRefusedError: the run was launched without partitions, or for several scenarios.
    """
    if not (context.has_partition_key or context.has_partition_key_range):
        message = (
            "the run has no years: launch it again and choose a partition, for example "
            "baseline|2025, or a range of them, for example baseline|2025...baseline|2029"
        )
        raise YearRefusedError(message)
    keys = [str(key).rpartition("|") for key in context.partition_keys]
    _only({scenario for scenario, _, _ in keys})
    years = sorted(int(year) for _, _, year in keys)
    return range(years[0], years[-1] + 1)


def _only(scenarios: Iterable[str]) -> str:
    names = sorted(scenarios)
    if len(names) > 1:
        message = (
            f"a run simulates one scenario, not {' and '.join(names)}: launch one run for each"
        )
        raise YearRefusedError(message)
    return names[0]
