"""The compiled project and a census to draw employees from, made once for the session."""

import os
import subprocess
from datetime import date
from pathlib import Path

import duckdb
import pytest
from hypothesis import settings as hypothesis_settings
from tests.support.replay import YEARS, settings_with

from shared_lib.dbt.compiled import Statement, load_statements
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of
from simulation.census.generation import generate_census
from simulation.census.tables import create_tables as create_census_tables
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables

# In CI the same examples every time; elsewhere new ones in each run.
hypothesis_settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    hypothesis_settings.load_profile("ci")


@pytest.fixture(scope="session")
def census(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """120,000 generated employees."""
    path = tmp_path_factory.mktemp("census") / "census.parquet"
    generate_census(path, size=120_000, seed=7, as_of=date(2024, 12, 31))
    return path


@pytest.fixture(scope="session")
def compiled_project(tmp_path_factory: pytest.TempPathFactory, census: Path) -> Path:
    """A dbt target directory after a real run of the simulation's five years, on a fresh file."""
    home = tmp_path_factory.mktemp("compiled")
    with duckdb.connect(str(home / "simulation.duckdb")) as connection:
        create_tables(connection)
        create_census_tables(connection)
        connection.execute(
            "insert into raw.baseline_workforce_validated (scenario_id, employee_id, birth_date, "
            "hire_date, level, department, annual_compensation) select 'baseline', employee_id, "
            "birth_date, hire_date, level, department, annual_compensation "
            "from read_parquet(?) limit 100",
            [str(census)],
        )
        record_request(connection, scenario_id="baseline", settings=settings_with(), resume=False)
        open_run(connection, run_id="compile", first_year=YEARS[0], last_year=YEARS[-1])
    subprocess.run(
        [
            DBT_EXECUTABLE,
            "--quiet",
            "build",
            *selection_of("simulation"),
            "--resource-type",
            "model",
            "--resource-type",
            "seed",
            "--profiles-dir",
            ".",
            "--event-time-start",
            f"{YEARS[0]}-01-01",
            "--event-time-end",
            f"{YEARS[-1] + 1}-01-01",
        ],
        cwd=PROJECT_DIRECTORY,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(home / "simulation.duckdb"),
            "DBT_TARGET_PATH": str(home / "target"),
            "DBT_LOG_PATH": str(home / "target"),
        },
        check=True,
    )
    return home / "target"


@pytest.fixture(scope="session")
def statements(compiled_project: Path) -> tuple[Statement, ...]:
    """The compiled project, five years of it."""
    return load_statements(compiled_project, years=YEARS)
