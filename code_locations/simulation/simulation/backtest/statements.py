"""The SQL of the models for a backtest, compiled once for the year that it simulates."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from shared_lib.dbt.compiled import Statement
from shared_lib.warehouse.connection import open_memory
from simulation.backtest.comparison import START_YEAR, open_year
from simulation.config import load_settings
from simulation.planning.fitting import fit
from simulation.planning.history import read_history
from simulation.scratch.models import build_models


def compiled_statements(
    directory: Path, paths: Sequence[Path], year_end: tuple[int, int] | None
) -> tuple[Statement, ...]:
    """Build the models once in ``directory`` and return the SQL of ``START_YEAR``."""
    warehouse = directory / "simulation.duckdb"
    with open_memory() as connection:
        snapshots = read_history(
            connection, paths, mappings=load_settings().census.mappings, year_end=year_end
        )
        found = fit(connection, snapshots)
        connection.execute(f"attach '{warehouse}' as warehouse")
        connection.execute("create table warehouse.people as from people")
    with duckdb.connect(str(warehouse)) as connection:
        open_year(connection, found)
    return build_models(warehouse, range(START_YEAR, START_YEAR + 1))
