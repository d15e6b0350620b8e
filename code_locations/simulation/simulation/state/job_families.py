"""Holds what a scenario has by job family against the families and departments of its workforce."""

from collections.abc import Iterator, Mapping
from typing import Literal

import duckdb

from simulation.config.fields import OTHER_DEPARTMENTS
from simulation.config.known_values import did_you_mean
from simulation.config.loading import place_of
from simulation.config.parameters import BY_JOB_FAMILY
from simulation.config.settings import ScenarioSettings


def names_of(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    column: Literal["department", "job_family"],
) -> list[str]:
    """Return the departments or job families of the scenario's workforce, in order."""
    rows = connection.execute(
        f"select distinct {column} from raw.baseline_workforce_validated "  # noqa: S608 - own names
        f"where scenario_id = ? and {column} is not null order by {column}",
        [scenario_id],
    ).fetchall()
    return [name for (name,) in rows]


def unknown_department(name: str, departments: list[str]) -> str:
    """Return what is wrong with a department that nobody of the workforce is in."""
    return (
        f"unknown department, got {name!r}, allowed is one of: {', '.join(departments)}"
        + did_you_mean(name, departments)
    )


def unknown_job_family(name: str, families: list[str]) -> str:
    """Return what is wrong with a job family that nobody of the workforce is in."""
    if not families:
        return (
            f"unknown job family, got {name!r}, but the census has none: map a column of it to "
            "job_family"
        )
    return (
        f"unknown job family, got {name!r}, allowed is one of: {', '.join(families)}"
        + did_you_mean(name, families)
    )


def job_family_problems(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, settings: ScenarioSettings
) -> Iterator[str]:
    """Yield a line for each unknown family or department in the settings by job family."""
    tables = {
        (section, field): getattr(getattr(settings, section), field)
        for section, field in BY_JOB_FAMILY
    }
    first = settings.workforce.reduction_job_families
    if not any(tables.values()) and not first:
        return
    families = names_of(connection, scenario_id, "job_family")
    departments = names_of(connection, scenario_id, "department")
    place = place_of(scenario_id, ("workforce", "reduction_job_families"))
    for family in first:
        if family not in families:
            yield f"{place}: {unknown_job_family(family, families)}"
    for location, rates in tables.items():
        for family, rate in rates.items():
            place = place_of(scenario_id, (*location, family))
            if family not in families:
                yield f"{place}: {unknown_job_family(family, families)}"
            allowed = [*departments, OTHER_DEPARTMENTS]
            for department in rate if isinstance(rate, Mapping) else ():
                if department not in allowed:
                    yield f"{place}: {unknown_department(department, allowed)}"
