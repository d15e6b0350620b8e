"""Five simulated years: the SQL alone, the dbt invocation and the whole Dagster job."""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from bench.figures.measuring import Cost, measure
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of

YEARS = (2025, 2029)


@dataclass(frozen=True)
class Figures:
    """One line of the table, in seconds and bytes."""

    employees: int
    sql_cpu_seconds: float
    sql_wall_seconds: float
    sql_peak_bytes: int
    dbt_cpu_seconds: float
    dbt_wall_seconds: float
    dbt_peak_bytes: int
    job_cpu_seconds: float
    job_wall_seconds: float
    job_peak_bytes: int


def measure_simulation(employees: int, *, scratch: Path) -> Figures:
    """Measure five years of ``employees`` generated employees, each part on a fresh file.

    The census is generated and the dbt project is parsed before anything is measured.
    """
    data = scratch / "data"
    environment = {
        "PLATFORM_DATA_DIRECTORY": str(data),
        "DAGSTER_HOME": str(scratch / "dagster"),
        "DBT_TARGET_PATH": str(scratch / "parsed"),
        "DBT_DUCKDB_PATH": str(data / "simulation.duckdb"),
    }
    census = scratch / "census.parquet"
    write_census(census, employees)
    _dbt(["parse"], scratch, environment)
    job = measure(
        [
            sys.executable,
            *("-m", "simulation.run", "--census", census),
            *("--years", f"{YEARS[0]}-{YEARS[1]}"),
        ],
        environment=environment,
        directory=REPOSITORY_ROOT,
    )
    dbt = _measure_dbt(data / "simulation.duckdb", scratch, environment)
    sql = _measure_sql(data / "simulation.duckdb", scratch)
    alone = json.loads(sql.output.splitlines()[-1])
    return Figures(
        employees=employees,
        sql_cpu_seconds=alone["cpu_seconds"],
        sql_wall_seconds=alone["wall_seconds"],
        sql_peak_bytes=sql.peak_bytes,
        dbt_cpu_seconds=dbt.cpu_seconds,
        dbt_wall_seconds=dbt.wall_seconds,
        dbt_peak_bytes=dbt.peak_bytes,
        job_cpu_seconds=job.cpu_seconds,
        job_wall_seconds=job.wall_seconds,
        job_peak_bytes=job.peak_bytes,
    )


def write_census(path: Path, employees: int) -> None:
    """Write generated employees of the day before the first year."""
    measure(
        [
            sys.executable,
            *("-m", "simulation.census", "--size", str(employees), "--seed", "1"),
            *("--as-of", f"{YEARS[0] - 1}-12-31", path),
        ],
        environment={},
        directory=REPOSITORY_ROOT,
    )


def _measure_dbt(simulated: Path, scratch: Path, environment: Mapping[str, str]) -> Cost:
    """Measure the job's dbt command on a fresh file at the same path, so dbt need not reparse."""
    kept = simulated.rename(scratch / "job.duckdb")
    _copy_raw_tables(kept, simulated)
    return _dbt(
        [
            *("build", *selection_of("simulation"), "--exclude-resource-type", "unit_test"),
            *("--event-time-start", f"{YEARS[0]}-01-01"),
            *("--event-time-end", f"{YEARS[1] + 1}-01-01"),
        ],
        scratch,
        environment,
    )


def _measure_sql(simulated: Path, scratch: Path) -> Cost:
    fresh = scratch / "replay.duckdb"
    _copy_raw_tables(simulated, fresh)
    return measure(
        [sys.executable, "-m", "bench.simulation.replay", fresh, _target(scratch)],
        environment={},
        directory=REPOSITORY_ROOT,
    )


def _dbt(arguments: list[str], scratch: Path, environment: Mapping[str, str]) -> Cost:
    target = str(_target(scratch))
    return measure(
        [DBT_EXECUTABLE, "--quiet", *arguments, "--profiles-dir", PROJECT_DIRECTORY],
        environment={**environment, "DBT_TARGET_PATH": target, "DBT_LOG_PATH": target},
        directory=PROJECT_DIRECTORY,
    )


def _target(scratch: Path) -> Path:
    """Return the target directory, in which the job finds the parsed project too."""
    return scratch / "parsed" / "simulation"


def _copy_raw_tables(source: Path, destination: Path) -> None:
    with duckdb.connect(str(destination)) as connection:
        connection.execute(f"attach '{source}' as source (read_only)")
        connection.execute("create schema raw")
        tables = connection.execute(
            "select table_name from duckdb_tables() "
            "where database_name = 'source' and schema_name = 'raw'"
        ).fetchall()
        for (table,) in tables:
            connection.execute(f"create table raw.{table} as from source.raw.{table}")
