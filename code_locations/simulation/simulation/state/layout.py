"""The tables of the simulation's warehouse, for a migration of the whole."""

import duckdb

from shared_lib.warehouse.lake.migration import Layout
from simulation.census.tables import create_tables as create_census_tables
from simulation.state.lake_copy import LEDGER
from simulation.state.tables import create_tables


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    create_tables(connection)
    create_census_tables(connection)


def _is_moved(schema: str, table: str) -> bool:
    """Whether a table lasts: the others of `intermediate` are of one run, and so is a layout."""
    if schema == "intermediate":
        return table == LEDGER
    return (schema, table) != ("raw", "published_layout")


LAYOUT = Layout(create=_create, is_moved=_is_moved)
