"""The workforce that a scenario begins with, in numbers, and what its growth makes of them."""

from collections.abc import Iterator

import duckdb

from simulation.config.loading import place_of
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts, targets_in
from simulation.state.job_families import names_of, unknown_department, unknown_job_family


def opening_headcounts(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, settings: ScenarioSettings
) -> Headcounts:
    """Return how many the scenario begins with; no entry for a unit that nobody is in."""
    row = connection.execute(
        "select count(*) from raw.baseline_workforce_validated where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    named, unit = settings.simulation.growth_by_unit, settings.simulation.growing_units
    found = (
        connection.execute(
            f"select {unit}, count(*) from raw.baseline_workforce_validated "  # noqa: S608 - own names
            f"where scenario_id = ? and list_contains(?, {unit}) group by {unit}",
            [scenario_id, list(named)],
        ).fetchall()
        if named
        else []
    )
    counts = dict(found)
    return Headcounts(
        total=row[0] if row else 0,
        by_unit={name: counts[name] for name in named if name in counts},
    )


def growth_problems(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    settings: ScenarioSettings,
    opening: Headcounts,
    years: range,
) -> Iterator[str]:
    """Yield what is wrong with the growth of the scenario for this workforce, a line each."""
    named, unit = settings.simulation.growth_by_unit, settings.simulation.growing_units
    field = f"growth_by_{unit}"
    unknown = [name for name in named if name not in opening.by_unit]
    if unknown:
        names = names_of(connection, scenario_id, unit)
        problem = unknown_job_family if unit == "job_family" else unknown_department
        for name in unknown:
            place = place_of(scenario_id, ("simulation", field, name))
            yield f"{place}: {problem(name, names)}"
        return
    for year in years:
        targets = targets_in(settings, opening, year)
        if targets.others < 0:
            yield (
                f"{place_of(scenario_id, ('simulation', field))}: {', '.join(named)} are to have "
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
