"""A run in which every table of the simulation's warehouse gets rows that it did not have."""

from datetime import date
from pathlib import Path

import duckdb

from shared_lib.dbt_step.build import NodeTiming
from simulation.census import CensusMapping, publish_baseline, read_census, validate_census
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables
from simulation.state.timings import record_timings
from simulation.state.year_state import record_states

_MAPPING = CensusMapping(
    columns={"employee_id": "id", "hire_date": "hired", "annual_compensation": "pay"}
)


def run_everything(connection: duckdb.DuckDBPyConnection, scenario: str, directory: Path) -> None:
    """All that Python does in a run of ``scenario``; the ledger is in the models' place."""
    create_tables(connection)
    create_census_tables(connection)
    settings = load_scenario(scenario)
    record_request(connection, scenario_id=scenario, settings=settings, resume=False)
    census = directory / f"{scenario}.csv"
    census.write_text("id,hired,pay\nE1,2020-01-01,60000\nE2,2020-02-30,60000\n", "utf-8")
    read_census(connection, path=census, scenario_id=scenario, mappings={"hr": _MAPPING})
    validate_census(
        connection,
        scenario_id=scenario,
        census_name="hr",
        opening_date=date(2024, 12, 31),
        top_level=5,
        reject_share_limit=1.0,
    )
    assert publish_baseline(connection, scenario) == 1
    connection.execute(
        "create schema if not exists intermediate;"
        "create table if not exists intermediate.int_employee_years (scenario_id varchar, "
        "fingerprint varchar, simulation_year integer, employee_id varchar, "
        "annual_compensation decimal(16, 2), termination_date date)"
    )
    opened = open_run(connection, run_id=f"run of {scenario}", first_year=2025, last_year=2025)
    connection.execute(
        "insert into intermediate.int_employee_years values (?, ?, 2025, 'E1', 60000, null)",
        [scenario, opened.fingerprint],
    )
    record_states(connection, years=range(2025, 2026))
    timing = NodeTiming("stg_census", "success", 0.5, ("raw", "census"))
    record_timings(
        connection,
        built=connection,
        run_id=f"run of {scenario}",
        opened=opened,
        timings=[timing],
        limits=settings.limits,
        seconds=1.0,
    )
