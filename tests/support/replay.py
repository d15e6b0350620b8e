"""Simulates five years in memory with the SQL that dbt compiled, without starting dbt."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import duckdb

from shared_lib.dbt.compiled import Statement, execute
from simulation.census.tables import create_tables as create_census_tables
from simulation.config import load_scenario
from simulation.config.settings import ScenarioSettings
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables

YEARS = range(2025, 2030)

# in each department and level, three of ten in none
JOB_FAMILIES = (*4 * ["Nurses"], *2 * ["Engineers"], "Clerks", None, None, None)

# Every row of the ledger except its fingerprint, which changes with the configuration even where
# the outcome does not. Equal text means equal rows.
LEDGER_DIGEST = (
    "select count(*) || '-' || bit_xor(md5_number(ledger::varchar)) "
    "from (select * exclude (fingerprint) from intermediate.int_employee_years) as ledger"
)


def settings_with(**changes: dict[str, Any]) -> ScenarioSettings:
    """Return the shipped baseline with some sections changed, as a run would change them."""
    return load_scenario("baseline", changes=changes)


def simulate(
    statements: Iterable[Statement],
    *,
    census: Path,
    settings: ScenarioSettings,
    employees: int,
    skip: int = 0,
    threads: int = 2,
    scenario_id: str = "baseline",
    after: Callable[[duckdb.DuckDBPyConnection, str], None] | None = None,
) -> duckdb.DuckDBPyConnection:
    """Simulate ``employees`` rows of a generated census, after skipping ``skip``.

    Args:
        statements: the compiled project.
        census: a generated census as Parquet.
        settings: the scenario's settings.
        employees: how many rows of the census to employ at the start.
        skip: how many rows of the census to skip first.
        threads: the number of DuckDB's threads.
        scenario_id: the name under which the rows are drawn and stored.
        after: called with the name of each node that has just been built, and with `census` before.

    Returns:
        A connection to the warehouse in memory.
    """
    connection = duckdb.connect(config={"threads": threads})
    create_tables(connection)
    create_census_tables(connection)
    connection.execute(
        "insert into raw.baseline_workforce_validated "
        "(scenario_id, employee_id, birth_date, hire_date, level, department, annual_compensation, "
        "job_family) "
        "select ?, employee_id, birth_date, hire_date, level, department, annual_compensation, "
        "?[1 + (md5_number(employee_id) & 2147483647)::bigint % ?] "
        "from read_parquet(?) order by employee_id limit ? offset ?",
        [scenario_id, [*JOB_FAMILIES], len(JOB_FAMILIES), str(census), employees, skip],
    )
    if after is not None:
        after(connection, "census")
    record_request(connection, scenario_id=scenario_id, settings=settings, resume=False)
    years = range(settings.simulation.start_year, settings.simulation.end_year + 1)
    open_run(connection, run_id="replay", first_year=years[0], last_year=years[-1])
    for statement in statements:
        execute(connection, [statement])
        if after is not None:
            after(connection, statement.node)
    return connection
