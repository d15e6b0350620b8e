"""Simulation runs in scratch warehouses: the models' own SQL, on the stored workforce."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

import duckdb

from shared_lib.dbt.compiled import Statement, execute
from shared_lib.private_files import keep_files_private
from shared_lib.warehouse.connection import open_memory
from simulation.census.tables import create_tables as create_census_tables
from simulation.config.settings import ScenarioSettings
from simulation.scratch.models import model_statements
from simulation.state.runs import open_run, record_request
from simulation.state.tables import create_tables


class Scratch:
    """Runs a scenario with other settings, each time in a fresh warehouse in memory."""

    def __init__(
        self, scenario_id: str, workforce: Path, statements: tuple[Statement, ...]
    ) -> None:
        self.scenario_id = scenario_id
        self._workforce = workforce
        self._statements = statements

    @contextmanager
    def simulated(
        self, settings: ScenarioSettings, last_year: int
    ) -> Iterator[duckdb.DuckDBPyConnection]:
        """Simulate the years up to ``last_year`` and yield the warehouse that has them."""
        with open_memory() as connection:
            open_scratch(connection, self.scenario_id, self._workforce, settings, last_year)
            execute(connection, self._statements)
            yield connection


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


def units_in(workforce: Path, column: Literal["department", "job_family"]) -> list[str]:
    """Return the departments or job families of a copied workforce, in order.

    One that was stored before there were job families is in none.
    """
    found = duckdb.from_parquet(str(workforce))
    if column not in found.columns:
        return []
    rows = found.filter(f"{column} is not null").select(column).distinct().order(column)
    return [name for (name,) in rows.fetchall()]


def build_scratch(
    scenario_id: str, workforce: Path, settings: ScenarioSettings, last_year: int
) -> Scratch:
    """Return scratch runs of a workforce, each of which executes the models' statements anew.

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
        run_id="scratch",
        first_year=settings.simulation.start_year,
        last_year=last_year,
    )


def compiled_models(
    scenario_id: str, workforce: Path, settings: ScenarioSettings, last_year: int
) -> tuple[Statement, ...]:
    """Return what dbt executes for the years up to ``last_year``, built here unless it is kept.

    The statements are the same for every scenario, seed and workforce.

    Raises:
        ScratchFailedError: dbt fails.
    """

    def open_warehouse(path: Path) -> None:
        with duckdb.connect(str(path)) as connection:
            open_scratch(connection, scenario_id, workforce, settings, last_year)

    years = range(settings.simulation.start_year, last_year + 1)
    return model_statements(years, workforce.parent, open_warehouse)
