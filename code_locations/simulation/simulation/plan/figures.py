"""The main figures of a simulated scenario, and how they differ from those of another."""

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from simulation.report.queries import DEPARTMENTS
from simulation.seek.target import MEASURES

# the name that the query above has for the department of those who have none
_NOT_STATED = "Not stated"


@dataclass(frozen=True, kw_only=True)
class DepartmentFigures:
    """A department at the end of a year; payroll in currency."""

    headcount: int = 0
    leavers: int = 0
    payroll: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Figures:
    """A scenario's figures; amounts in currency.

    Attributes:
        by_year: the measures of each year, by their names in
            :data:`simulation.seek.target.MEASURES`.
        departments: of each year, the largest first.
    """

    by_year: Mapping[int, Mapping[str, float]]
    departments: Mapping[int, Mapping[str, DepartmentFigures]]

    @property
    def named_departments(self) -> list[str]:
        """Return the departments of the first year by name, without that of who has none."""
        return sorted(set(self.departments[min(self.departments)]) - {_NOT_STATED})


def read_figures(connection: duckdb.DuckDBPyConnection, scenario_id: str, years: range) -> Figures:
    """Return the figures of a scenario in ``years``."""
    measures = ", ".join(f"({sql})::double as {name}" for name, sql in MEASURES.items())
    rows = connection.execute(
        f"select simulation_year, {measures} from marts.fct_year_summary "  # noqa: S608 - our own
        "where scenario_id = ? and simulation_year between ? and ? order by simulation_year",
        [scenario_id, years[0], years[-1]],
    ).fetchall()
    departments: dict[int, dict[str, DepartmentFigures]] = {year: {} for year in years}
    for year, name, headcount, leavers, payroll in connection.execute(
        DEPARTMENTS, {"scenario_id": scenario_id}
    ).fetchall():
        if year in departments:
            departments[year][name] = DepartmentFigures(
                headcount=headcount, leavers=leavers, payroll=payroll
            )
    return Figures(
        by_year={year: dict(zip(MEASURES, values, strict=True)) for year, *values in rows},
        departments=departments,
    )
