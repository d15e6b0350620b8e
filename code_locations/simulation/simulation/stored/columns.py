"""Whether a table has a column, for warehouses that the last run of an earlier release wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def has_column(connection: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Return whether a table, named with its schema, has a column."""
    (columns,) = connection.execute(
        "select count(*) from duckdb_columns() "
        "where schema_name || '.' || table_name = ? and column_name = ?",
        [table, column],
    ).fetchone() or (0,)
    return bool(columns)
