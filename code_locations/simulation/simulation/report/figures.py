"""The figures of the report, read from the marts of one scenario."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

from simulation.report import queries
from simulation.report.cost.figures import read_costs, read_plan
from simulation.report.departments.figures import read_department_levels, read_department_years
from simulation.stored.columns import has_column
from simulation.year_names import CALENDAR_YEAR, YearNames

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import duckdb

    from simulation.report.cost.figures import Cost, PlanYear
    from simulation.report.departments.figures import DepartmentLevel, DepartmentYear

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Year:
    """One simulated year: how headcount and payroll moved. Amounts in USD, rates as ratios."""

    year: int
    fingerprint: str
    start_headcount: int
    hires: int
    experienced_terminations: int
    reductions_in_force: int
    new_hire_terminations: int
    total_turnover: float
    promotions: int
    end_headcount: int
    target_headcount: int
    growth_rate: float | None
    target_growth_rate: float
    start_payroll: float
    payroll_from_hires: float
    payroll_from_promotions: float
    payroll_from_raises: float
    payroll_from_leavers: float
    end_payroll: float
    paid_compensation: float
    end_average_compensation: float | None
    average_compensation_growth: float | None
    continuous_employee_growth: float | None
    end_fte: float | None  # None in a warehouse of an earlier release

    @property
    def terminations(self) -> int:
        """Return the number of employees who left in the year, for any reason."""
        return self.experienced_terminations + self.reductions_in_force + self.new_hire_terminations


@dataclass(frozen=True, slots=True)
class TerminationExperience:
    """Terminations of one band over all years, beside the number that the hazards predict."""

    dimension: str
    band: str
    exposed: int
    observed: int
    expected: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class LevelHeadcount:
    """The actives of one level at the end of one year; `share` is a ratio of all actives."""

    year: int
    level: int
    level_name: str
    headcount: int
    share: float


@dataclass(frozen=True, slots=True)
class Department:
    """A department in one year: its actives at the end, their payroll in USD, and who left."""

    year: int
    department: str
    headcount: int
    leavers: int
    payroll: float


@dataclass(frozen=True, slots=True)
class Census:
    """The outcome of validating the rows of the census."""

    name: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_before_start: int
    rows_without_birth_date: int
    rows_without_level: int
    rows_set_aside: int
    reject_share_limit: float


@dataclass(frozen=True, slots=True)
class CensusFinding:
    """A sentence about the census; a warning is for somebody to look into."""

    topic: str
    is_warning: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class RejectReason:
    """The census rows rejected for one reason, with the first three of them."""

    reason: str
    field: str | None
    rows: int
    row_numbers: list[int]
    values: list[str | None]


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One quality check over the census or all years, with the value closest to failing."""

    check_name: str
    dimension: str
    measurements: int
    is_of_years: bool
    value: float | None
    threshold: float | None
    failures: int
    failed_years: list[int]


@dataclass(frozen=True, slots=True)
class Timing:
    """What Dagster or dbt recorded of one step of the run, in seconds and rows."""

    run_id: str
    recorded_at: datetime
    scope: str
    name: str
    outcome: str
    seconds: float | None
    row_count: int | None
    rows_per_second: float | None
    seconds_limit: float | None
    status: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of a fingerprint as JSON text, and the years that came from it."""

    fingerprint: str
    first_year: int
    last_year: int
    document: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the report of one scenario shows."""

    scenario_id: str
    years: list[Year]
    experience: list[TerminationExperience]
    levels: list[LevelHeadcount]
    departments: list[Department]
    department_years: list[DepartmentYear]
    department_levels: list[DepartmentLevel]
    costs: list[Cost]
    plan: list[PlanYear]
    census: Census | None
    findings: list[CensusFinding]
    rejects: list[RejectReason]
    quality: list[QualityCheck]
    timings: list[Timing]
    configurations: list[Configuration]

    @property
    def names(self) -> YearNames:
        """Return how the years are named, each by its own configuration."""
        return _names(self.configurations)


def _read(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    row_type: Callable[..., Row],
    scenario_id: str,
) -> list[Row]:
    """Return the rows of a query as records whose fields have the names of its columns."""
    cursor = connection.execute(query, {"scenario_id": scenario_id})
    names = [column[0] for column in cursor.description or []]
    return [row_type(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def read_years(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> list[Year]:
    """Read how headcount and payroll moved in each year of one scenario.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    has_fte = has_column(connection, "marts.fct_year_summary", "end_fte")
    years = _read(connection, queries.years(has_fte=has_fte), Year, scenario_id)
    if not years:
        raise ValueError(_no_results(connection, scenario_id))
    return years


def read_names(connection: duckdb.DuckDBPyConnection, years: list[Year]) -> YearNames:
    """Read how years are named, each by its own recorded configuration."""
    return _names(_configurations(connection, years))


def _names(configurations: list[Configuration]) -> YearNames:
    # from the year before the first, whose end is the beginning
    first_days = {
        year: json.loads(each.document or "{}")
        .get("simulation", {})
        .get("first_day", CALENDAR_YEAR)
        for each in reversed(configurations)
        for year in range(each.first_year - 1, each.last_year + 1)
    }
    return YearNames(first_days[configurations[-1].last_year], first_days)


def read_figures(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, *, years: list[Year] | None = None
) -> Figures:
    """Read the results of one scenario.

    Args:
        connection: An open connection to the simulation's DuckDB file; it is only read.
        scenario_id: The scenario whose results are wanted.
        years: Its years, where they have been read.

    Raises:
        ValueError: The scenario has no results; the message names the scenarios that do.
    """
    years = years or read_years(connection, scenario_id)
    census = _read(connection, queries.CENSUS, Census, scenario_id)
    return Figures(
        scenario_id=scenario_id,
        years=years,
        experience=_read(connection, queries.EXPERIENCE, TerminationExperience, scenario_id),
        levels=_read(connection, queries.LEVELS, LevelHeadcount, scenario_id),
        departments=_read(connection, queries.DEPARTMENTS, Department, scenario_id),
        department_years=read_department_years(connection, scenario_id),
        department_levels=read_department_levels(connection, scenario_id, years[-1].year),
        costs=read_costs(connection, scenario_id),
        plan=read_plan(connection, scenario_id),
        census=census[0] if census else None,
        findings=_read(connection, queries.FINDINGS, CensusFinding, scenario_id),
        rejects=_read(connection, queries.REJECTS, RejectReason, scenario_id),
        quality=_read(connection, queries.QUALITY, QualityCheck, scenario_id),
        timings=_read(connection, queries.TIMINGS, Timing, scenario_id),
        configurations=_configurations(connection, years),
    )


def _configurations(
    connection: duckdb.DuckDBPyConnection, years: list[Year]
) -> list[Configuration]:
    """Return the configuration of each run of consecutive years that share one."""
    fingerprints = sorted({year.fingerprint for year in years})
    recorded = dict(
        connection.execute(queries.CONFIGURATIONS, {"fingerprints": fingerprints}).fetchall()
    )
    stretches = [
        (fingerprint, [year.year for year in stretch])
        for fingerprint, stretch in groupby(years, attrgetter("fingerprint"))
    ]
    return [
        Configuration(fingerprint, stretch[0], stretch[-1], recorded.get(fingerprint))
        for fingerprint, stretch in stretches
    ]


def _no_results(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> str:
    present = connection.execute(queries.SCENARIOS).fetchall()
    names = ", ".join(repr(name) for (name,) in present)
    return (
        f"scenario {scenario_id!r} has no results in marts.fct_year_summary; scenarios with "
        f"results: {names or 'none, run the simulation first'}"
    )
