"""Simulation runs in scratch warehouses: the models' own SQL, on the stored workforce."""

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement, execute, load_statements
from shared_lib.dbt.project import DBT_EXECUTABLE, PROJECT_DIRECTORY
from shared_lib.discovery.dbt.sections import selection_of
from shared_lib.private_files import keep_files_private
from shared_lib.warehouse.connection import open_memory
from simulation.census.tables import create_tables as create_census_tables
from simulation.config.settings import ScenarioSettings
from simulation.seek.target import Target
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables


class ScratchFailedError(RuntimeError):
    """dbt could not build the models in the scratch warehouse; the message is dbt's."""


class Scratch:
    """Runs a scenario with other settings, each time in a fresh warehouse in memory."""

    def __init__(
        self, scenario_id: str, workforce: Path, statements: tuple[Statement, ...]
    ) -> None:
        self._scenario_id = scenario_id
        self._workforce = workforce
        self._statements = statements

    @contextmanager
    def simulated(
        self, settings: ScenarioSettings, last_year: int
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Simulate the years up to ``last_year`` and yield the warehouse that has them."""
        with open_memory() as connection:
            open_scratch(connection, self._scenario_id, self._workforce, settings, last_year)
            execute(connection, self._statements)
            yield connection

    def measure(self, settings: ScenarioSettings, target: Target) -> float:
        """Simulate the years up to that of the target and return its measure."""
        with self.simulated(settings, target.year) as connection:
            measure = target.read(connection, self._scenario_id)
        if measure is None:
            message = f"the scratch run has no year {target.year}"
            raise ScratchFailedError(message)
        return measure


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """Yield a folder for scratch runs, readable by its owner alone, and remove it at the end."""
    keep_files_private()
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def copy_workforce(warehouse: duckdb.DuckDBPyConnection, scenario_id: str, folder: Path) -> Path:
    """Copy the workforce that a stored scenario begins with into a file in ``folder``."""
    path = folder / "workforce.parquet"
    warehouse.execute(
        "copy (select * from raw.baseline_workforce_validated where scenario_id = $scenario) "  # noqa: S608 - a name of our own
        f"to '{path}' (format parquet)",
        {"scenario": scenario_id},
    )
    return path


def build_scratch(
    scenario_id: str, workforce: Path, settings: ScenarioSettings, last_year: int
) -> Scratch:
    """Build the models once, beside the workforce; their statements then run on fresh warehouses.

    Args:
        scenario_id: the scenario.
        workforce: see :func:`copy_workforce`.
        settings: of the scenario.
        last_year: the last year to simulate.

    Raises:
        ScratchFailedError: dbt fails.
    """
    statements = compiled_models(scenario_id, workforce, settings, last_year)
    return Scratch(scenario_id, workforce, statements)


def open_scratch(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    workforce: Path,
    settings: ScenarioSettings,
    last_year: int,
) -> None:
    """Make a fresh warehouse ready for the models: the workforce, the settings and the run.

    The workforce may be that of another scenario, which then begins with the same people.
    """
    create_tables(connection)
    create_census_tables(connection)
    connection.execute(
        "insert into raw.baseline_workforce_validated by name "
        "select * replace (? as scenario_id) from read_parquet(?)",
        [scenario_id, str(workforce)],
    )
    record_request(connection, scenario_id=scenario_id, settings=settings, resume=False)
    open_run(
        connection,
        run_id="seek",
        first_year=settings.simulation.start_year,
        last_year=last_year,
    )


def compiled_models(
    scenario_id: str, workforce: Path, settings: ScenarioSettings, last_year: int
) -> tuple[Statement, ...]:
    """Build the models with dbt beside the workforce, and return what it executed.

    The statements are the same for every scenario, seed and workforce.

    Raises:
        ScratchFailedError: dbt fails.
    """
    folder = workforce.parent
    warehouse, target = folder / "simulation.duckdb", folder / "target"
    with duckdb.connect(str(warehouse)) as connection:
        open_scratch(connection, scenario_id, workforce, settings, last_year)
    built = subprocess.run(  # noqa: S603 - dbt of this environment
        [
            DBT_EXECUTABLE,
            *("--quiet", "build", *selection_of("simulation")),
            *("--resource-type", "model", "--resource-type", "seed", "--profiles-dir", "."),
            *("--event-time-start", f"{settings.simulation.start_year}-01-01"),
            *("--event-time-end", f"{last_year + 1}-01-01"),
        ],
        cwd=PROJECT_DIRECTORY,
        env={
            **os.environ,
            "DBT_DUCKDB_PATH": str(warehouse),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if built.returncode:
        message = f"dbt build failed in a scratch warehouse:\n{built.stdout}{built.stderr}"
        raise ScratchFailedError(message)
    return load_statements(target, years=range(settings.simulation.start_year, last_year + 1))
