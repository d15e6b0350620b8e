"""A small warehouse of literal rows: the marts that a report reads, without simulating."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from simulation.config.loading import load_scenario

_TABLES = """
create schema marts;
create schema monitoring;
create schema staging;
create schema raw;
create table marts.fct_year_summary (
    scenario_id varchar, simulation_year integer, fingerprint varchar, start_headcount bigint,
    hires bigint, experienced_terminations bigint, reductions_in_force bigint,
    new_hire_terminations bigint, total_turnover double, promotions bigint, end_headcount bigint,
    target_headcount bigint, growth_rate double, target_growth_rate double,
    start_payroll decimal(38, 2), end_payroll decimal(38, 2), paid_compensation decimal(38, 2)
);
create table marts.fct_compensation_growth (
    scenario_id varchar, simulation_year integer, payroll_from_hires decimal(38, 2),
    payroll_from_promotions decimal(38, 2), payroll_from_raises decimal(38, 2),
    payroll_from_leavers decimal(38, 2), end_average_compensation double,
    average_compensation_growth double, continuous_employee_growth double
);
create table marts.fct_level_mix (
    scenario_id varchar, simulation_year integer, level integer, level_name varchar,
    headcount bigint, share double
);
create table marts.fct_termination_experience (
    scenario_id varchar, simulation_year integer, age_band varchar, tenure_band varchar,
    level integer, exposed bigint, observed bigint, expected double
);
create table marts.fct_workforce_snapshot (
    scenario_id varchar, simulation_year integer, department varchar, employment_status varchar,
    annual_compensation decimal(16, 2)
);
create table marts.fct_department_summary (
    scenario_id varchar, simulation_year integer, department varchar, start_headcount bigint,
    end_headcount bigint, experienced_terminations bigint, reductions_in_force bigint,
    new_hire_terminations bigint, start_payroll decimal(38, 2),
    payroll_from_transfers decimal(38, 2), payroll_from_leavers decimal(38, 2),
    continuous_payroll decimal(38, 2), end_payroll decimal(38, 2)
);
create table marts.fct_department_level_mix (
    scenario_id varchar, simulation_year integer, department varchar, level integer,
    headcount bigint
);
create table marts.fct_total_cost (
    scenario_id varchar, simulation_year integer, department varchar, average_headcount double,
    paid_compensation decimal(38, 2), bonuses decimal(38, 2), employer_taxes decimal(38, 2),
    benefits decimal(38, 2), retirement_match decimal(38, 2), overhead decimal(38, 2),
    total_cost decimal(38, 2)
);
create table marts.fct_retirement_plan (
    scenario_id varchar, simulation_year integer, department varchar, employees bigint,
    eligible bigint, enrolled bigint, enrolled_pay decimal(38, 2), savings decimal(38, 2),
    at_limit bigint, employer_match decimal(38, 2)
);
create table monitoring.mon_data_quality (
    scenario_id varchar, simulation_year integer, check_name varchar, dimension varchar,
    value double, threshold double, status varchar
);
create table monitoring.mon_pipeline_performance (
    run_id varchar, scenario_id varchar, recorded_at timestamp, scope varchar, name varchar,
    outcome varchar, years integer, seconds double, row_count bigint, rows_per_second double,
    seconds_limit double, status varchar
);
create table staging.stg_tenure_bands (tenure_band varchar, min_tenure integer);
create table staging.stg_age_bands (age_band varchar, min_age integer);
create table staging.stg_job_levels (level integer, level_name varchar);
create table raw.census_data_validation (
    scenario_id varchar, census_name varchar, rows_read bigint, rows_accepted bigint,
    rows_rejected bigint, rows_left_before_start bigint, rows_without_birth_date bigint,
    rows_without_level bigint, reject_share_limit double, rows_set_aside bigint
);
create table raw.census_findings (
    scenario_id varchar, position integer, topic varchar, is_warning boolean, sentence varchar
);
create table raw.census_rejects (
    scenario_id varchar, row_number bigint, employee_id varchar, reason varchar, field varchar,
    value varchar
);
create table raw.simulation_run (scenario_id varchar, run_id varchar);
create table raw.simulation_configurations (
    fingerprint varchar, scenario_id varchar, configuration varchar, recorded_at timestamp
);
"""

_RECORDED_AT = datetime(2026, 3, 5, 14, 30)  # noqa: DTZ001 (DuckDB's timestamps have no zone)


@dataclass(frozen=True)
class Movement:
    """A year's headcount as literal figures; its payroll is 100,000 USD a head."""

    year: int
    start: int
    hires: int
    experienced: int
    reductions: int
    new_hire: int
    end: int
    fingerprint: str = "fingerprint-one"


GROWTH = (
    Movement(2025, 1000, 200, 120, 0, 50, 1030),
    Movement(2026, 1030, 207, 124, 0, 52, 1061),
)


@dataclass(frozen=True)
class Scenario:
    """The rows to write for a scenario; its names are those that data may choose."""

    name: str = "baseline"
    movements: tuple[Movement, ...] = GROWTH
    level_names: tuple[str, ...] = ("Staff", "Manager")
    tenure_bands: tuple[str, ...] = ("<2", "2-4", "10-19")
    age_band: str = "25-34"
    census_name: str = "census.csv"
    reject_reason: str = "pay is missing"
    reject_field: str = "annual_compensation"
    reject_values: tuple[str | None, ...] = (None, "0", "none", "-1")
    check_name: str = "growth_deviation"
    step_name: str = "int_employee_years"
    run_id: str = "run-1"
    configuration: dict[str, object] = field(default_factory=lambda: {"random_seed": 42})


def recorded_configuration(**changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole configuration, as a run records it, with these fields of its sections."""
    settings = json.loads(load_scenario("baseline").model_dump_json())
    for section, values in changes.items():
        settings[section] |= values
    return settings


def empty_marts() -> duckdb.DuckDBPyConnection:
    """Return a connection to a warehouse in memory whose tables have no rows."""
    connection = duckdb.connect()
    connection.execute(_TABLES)
    return connection


def _insert(connection: duckdb.DuckDBPyConnection, table: str, *rows: tuple[object, ...]) -> None:
    marks = ", ".join("?" for _ in rows[0])
    connection.executemany(f"insert into {table} values ({marks})", [list(row) for row in rows])


def _add_year(connection: duckdb.DuckDBPyConnection, scenario: Scenario, year: Movement) -> None:
    _insert(
        connection,
        "marts.fct_year_summary",
        (
            scenario.name, year.year, year.fingerprint, year.start, year.hires, year.experienced,
            year.reductions, year.new_hire,
            (year.start + year.hires - year.end) / ((year.start + year.end) / 2), 40, year.end,
            year.end, year.end / year.start - 1,
            0.03, year.start * 100_000, year.end * 100_000, year.end * 98_000,
        ),
    )  # fmt: skip
    hires, leavers = year.hires - year.new_hire, year.experienced + year.reductions
    growth = (0.001 * year.start * 100_000, 0.002 * year.start * 100_000)
    leavers_pay = (year.start + hires - year.end) * 100_000 + sum(growth)
    assert year.start + hires - leavers == year.end
    _insert(
        connection,
        "marts.fct_compensation_growth",
        (
            scenario.name, year.year, hires * 100_000, *growth, leavers_pay, 100_000.0, 0.0, 0.065,
        ),
    )  # fmt: skip
    share = 1 / len(scenario.level_names)
    levels = list(enumerate(scenario.level_names, start=1))
    _insert(
        connection,
        "marts.fct_level_mix",
        *(
            (scenario.name, year.year, level, name, int(year.end * share), share)
            for level, name in levels
        ),
    )
    _insert(
        connection,
        "marts.fct_termination_experience",
        *(
            (scenario.name, year.year, scenario.age_band, band, level, 100, 12, 10.0)
            for band in scenario.tenure_bands
            for level, _ in levels
        ),
    )
    _insert(
        connection,
        "monitoring.mon_data_quality",
        (scenario.name, year.year, scenario.check_name, "accuracy", 0.001, 0.005, "pass"),
    )


def add_scenario(connection: duckdb.DuckDBPyConnection, scenario: Scenario) -> None:
    """Add the rows of a scenario, and of the run that has just computed it."""
    for year in scenario.movements:
        _add_year(connection, scenario, year)
    minimums = zip(scenario.tenure_bands, (0, 2, 10), strict=True)
    _insert(connection, "staging.stg_tenure_bands", *minimums)
    _insert(connection, "staging.stg_age_bands", (scenario.age_band, 25))
    _insert(connection, "staging.stg_job_levels", *enumerate(scenario.level_names, start=1))
    _insert(
        connection,
        "raw.census_data_validation",
        (scenario.name, scenario.census_name, 1017, 1000, 4, 6, 250, 1000, 0.05, 7),
    )
    _insert(
        connection,
        "raw.census_rejects",
        *(
            (scenario.name, row, f"E{row}", scenario.reject_reason, scenario.reject_field, value)
            for row, value in enumerate(scenario.reject_values, start=1001)
        ),
    )
    _insert(
        connection,
        "monitoring.mon_data_quality",
        (scenario.name, None, "census_reject_share", "validity", 0.004, 0.05, "pass"),
    )
    add_timing(connection, scenario, scenario.run_id)
    connection.execute("delete from raw.simulation_run")
    _insert(connection, "raw.simulation_run", (scenario.name, scenario.run_id))
    _insert(
        connection,
        "raw.simulation_configurations",
        (
            scenario.movements[0].fingerprint,
            scenario.name,
            json.dumps(scenario.configuration),
            _RECORDED_AT,
        ),
    )


def add_findings(
    connection: duckdb.DuckDBPyConnection, scenario: Scenario, *findings: tuple[str, bool, str]
) -> None:
    """Add sentences on the census, in their order: topic, whether it is a warning, sentence."""
    _insert(
        connection,
        "raw.census_findings",
        *((scenario.name, position, *finding) for position, finding in enumerate(findings)),
    )


def add_department(
    connection: duckdb.DuckDBPyConnection,
    scenario: Scenario,
    year: int,
    department: str | None,
    *,
    active: int,
    left: int,
) -> None:
    """Add the people of a department in one year, at 100,000 USD each; who stays gets 2 % more.

    All of them were there at its start, and are of the first level.
    """
    start, stayed, end = (100_000 * (active + left), 100_000 * active, 102_000 * active)
    name = department or "Not stated"
    _insert(
        connection,
        "marts.fct_department_summary",
        (
            scenario.name, year, name, active + left, active, left, 0, 0, start, 0, start - stayed,
            end, end,
        ),
    )  # fmt: skip
    _insert(connection, "marts.fct_department_level_mix", (scenario.name, year, name, 1, active))
    rows = [("active", active), ("terminated", left)]
    for status, people in rows:
        connection.execute(
            "insert into marts.fct_workforce_snapshot select ?, ?, ?, ?, 100000 from range(?)",
            [scenario.name, year, department, status, people],
        )


def add_timing(
    connection: duckdb.DuckDBPyConnection,
    scenario: Scenario,
    run_id: str,
    *,
    step: str | None = None,
    status: str = "pass",
) -> None:
    """Add what a run recorded for one of its steps: 2.5 seconds, against a limit of 25."""
    _insert(
        connection,
        "monitoring.mon_pipeline_performance",
        (
            run_id, scenario.name, _RECORDED_AT, "model", step or scenario.step_name, "success",
            len(scenario.movements), 2.5, 5000, 2000.0, 25.0, status,
        ),
    )  # fmt: skip


def report_marts(scenario: Scenario | None = None) -> duckdb.DuckDBPyConnection:
    """Return a connection to a warehouse in memory that holds one scenario."""
    connection = empty_marts()
    add_scenario(connection, scenario or Scenario())
    return connection
