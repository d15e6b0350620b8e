"""The workforce that a scenario begins with, in numbers, and what its growth makes of them."""

from collections.abc import Iterator

import duckdb

from simulation.config.known_events import did_you_mean
from simulation.config.loading import place_of
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts, targets_in
from simulation.state.job_families import names_of

_FIELD = "growth_by_department"


def opening_headcounts(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, settings: ScenarioSettings
) -> Headcounts:
    """Return how many the scenario begins with; no entry for a department that nobody is in."""
    row = connection.execute(
        "select count(*) from raw.baseline_workforce_validated where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    named = settings.simulation.growth_by_department
    found = (
        connection.execute(
            "select department, count(*) from raw.baseline_workforce_validated "
            "where scenario_id = ? and list_contains(?, department) group by department",
            [scenario_id, list(named)],
        ).fetchall()
        if named
        else []
    )
    counts = dict(found)
    return Headcounts(
        total=row[0] if row else 0,
        by_department={name: counts[name] for name in named if name in counts},
    )


def growth_problems(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    settings: ScenarioSettings,
    opening: Headcounts,
    years: range,
) -> Iterator[str]:
    """Yield what is wrong with the growth of the scenario for this workforce, a line each."""
    named = settings.simulation.growth_by_department
    unknown = [name for name in named if name not in opening.by_department]
    if unknown:
        departments = names_of(connection, scenario_id, "department")
        for name in unknown:
            place = place_of(scenario_id, ("simulation", _FIELD, name))
            yield (
                f"{place}: unknown department, got {name!r}, allowed is one of: "
                f"{', '.join(departments)}{did_you_mean(name, departments)}"
            )
        return
    for year in years:
        targets = targets_in(settings, opening, year)
        if targets.others < 0:
            yield (
                f"{place_of(scenario_id, ('simulation', _FIELD))}: {', '.join(named)} are to have "
                f"{targets.total - targets.others:,} employees at the end of {year}, and the whole "
                f"workforce {targets.total:,}, allowed is a growth that leaves the others at least "
                "0: lower it, or raise target_growth_rate"
            )
            return
        if opening.total and not targets.total:
            yield (
                f"target_growth_rate leaves nobody of {opening.total} employees at the end of "
                f"{year}: raise it, or end before {year}"
            )
            return
