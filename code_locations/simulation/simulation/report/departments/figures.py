"""What each department's year came to, read from the marts of one scenario."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import duckdb

_YEARS = """
select
    simulation_year as year,
    department,
    (start_headcount + end_headcount) / 2 as mean_headcount,
    experienced_terminations + reductions_in_force + new_hire_terminations as leavers,
    end_payroll::double as payroll,
    (start_payroll + payroll_from_transfers - payroll_from_leavers)::double
        as continuous_start_payroll,
    continuous_payroll::double as continuous_payroll
from marts.fct_department_summary
where scenario_id = $scenario_id
order by year, department
"""

_LEVELS = """
select
    department,
    level,
    headcount
from marts.fct_department_level_mix
where scenario_id = $scenario_id and simulation_year = $year
order by department, level
"""

# In a warehouse of an earlier release they appear with its next run.
_MARTS = """
select count(*)
from information_schema.tables
where
    table_schema = 'marts'
    and table_name in ('fct_department_summary', 'fct_department_level_mix')
"""


@dataclass(frozen=True, slots=True)
class DepartmentYear:
    """A department in a year; amounts in USD. `continuous` are those employed all year."""

    year: int
    department: str
    mean_headcount: float
    leavers: int
    payroll: float
    continuous_start_payroll: float
    continuous_payroll: float


@dataclass(frozen=True, slots=True)
class DepartmentLevel:
    """How many of a department are of a level."""

    department: str
    level: int
    headcount: int


def read_department_years(
    connection: duckdb.DuckDBPyConnection, scenario_id: str
) -> list[DepartmentYear]:
    """Return each department's years; nothing in a warehouse from before these marts."""
    if not _has_marts(connection):
        return []
    rows = connection.execute(_YEARS, {"scenario_id": scenario_id}).fetchall()
    return [DepartmentYear(*row) for row in rows]


def read_department_levels(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, year: int
) -> list[DepartmentLevel]:
    """Return the levels of each department at the end of ``year``, or nothing, as above."""
    if not _has_marts(connection):
        return []
    rows = connection.execute(_LEVELS, {"scenario_id": scenario_id, "year": year}).fetchall()
    return [DepartmentLevel(*row) for row in rows]


def turnover(rows: Iterable[DepartmentYear]) -> float | None:
    """Return who left in a year as a share of the mean headcount; None without anybody."""
    rows = list(rows)
    people = sum(row.mean_headcount for row in rows)
    return sum(row.leavers for row in rows) / people if people else None


def pay_growth(rows: Iterable[DepartmentYear]) -> float | None:
    """Return the growth of pay in a year of those employed all of it; None without anybody."""
    rows = list(rows)
    start = sum(row.continuous_start_payroll for row in rows)
    return sum(row.continuous_payroll for row in rows) / start - 1 if start else None


def _has_marts(connection: duckdb.DuckDBPyConnection) -> bool:
    (found,) = connection.execute(_MARTS).fetchone() or (0,)
    return found == 2  # noqa: PLR2004 - both
