"""What tables a warehouse has, and how a newer release adds to them."""

from collections.abc import Collection

import duckdb


def layout(
    connection: duckdb.DuckDBPyConnection, schemas: Collection[str]
) -> dict[str, list[tuple[str, str, bool]]]:
    """Name, type and nullability of the columns of each table and view."""
    rows = connection.execute(
        "select schema_name || '.' || table_name, "
        "list((column_name, data_type, is_nullable) order by column_index) "
        "from duckdb_columns() where list_contains(?, schema_name) group by 1",
        [list(schemas)],
    ).fetchall()
    return dict(rows)


def row_counts(connection: duckdb.DuckDBPyConnection, schemas: Collection[str]) -> dict[str, int]:
    """How many rows each table has."""
    counts: dict[str, int] = {}
    for table in _tables(connection, schemas):
        (counts[table],) = connection.execute(f"select count(*) from {table}").fetchone() or (0,)
    return counts


def add_a_column_to_each_table(
    connection: duckdb.DuckDBPyConnection, schemas: Collection[str]
) -> None:
    """As a newer release might do."""
    for table in _tables(connection, schemas):
        connection.execute(f"alter table {table} add column of_a_newer_release varchar")


def _tables(connection: duckdb.DuckDBPyConnection, schemas: Collection[str]) -> list[str]:
    rows = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where list_contains(?, schema_name) order by 1",
        [list(schemas)],
    ).fetchall()
    return [name for (name,) in rows]
