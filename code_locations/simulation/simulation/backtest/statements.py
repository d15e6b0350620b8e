"""The SQL of the models for a backtest, for the year that it simulates."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement
from shared_lib.warehouse.connection import open_memory
from simulation.backtest.comparison import START_YEAR, open_year
from simulation.config import load_settings
from simulation.planning.fitting import fit
from simulation.planning.history import read_history
from simulation.scratch.models import model_statements


def compiled_statements(
    directory: Path, paths: Sequence[Path], year_end: tuple[int, int] | None
) -> tuple[Statement, ...]:
    """Return the SQL of ``START_YEAR``, built in ``directory`` unless it is kept."""

    def open_warehouse(path: Path) -> None:
        with open_memory() as connection:
            snapshots = read_history(
                connection, paths, mappings=load_settings().census.mappings, year_end=year_end
            )
            found = fit(connection, snapshots)
            connection.execute(f"attach '{path}' as warehouse")
            connection.execute("create table warehouse.people as from people")
        with duckdb.connect(str(path)) as connection:
            open_year(connection, found)

    return model_statements(range(START_YEAR, START_YEAR + 1), directory, open_warehouse)
