"""Write rows that have a key, in a file and in the lake, which keeps no keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb


def put_row(
    connection: duckdb.DuckDBPyConnection, table: str, row: Mapping[str, Any], *, key: Sequence[str]
) -> None:
    """Insert ``row``, or replace the values of the row that has its key.

    Args:
        connection: a warehouse.
        table: schema and name of the table.
        row: the values by column.
        key: the columns by which a row is found.
    """
    columns = ", ".join(f"? as {name}" for name in row)
    put_rows(connection, table, f"select {columns}", key=key, columns=row, values=[*row.values()])


def put_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    *,
    key: Sequence[str],
    columns: Sequence[str] | Mapping[str, Any],
    values: Sequence[Any] = (),
) -> None:
    """Insert the rows of ``query``, or replace the values of those whose key is there.

    Args:
        connection: a warehouse.
        table: schema and name of the table.
        query: selects ``columns``, with each key once.
        key: the columns by which a row is found.
        columns: the columns to write.
        values: the parameters of ``query``.
    """
    found = " and ".join(f"stored.{name} = given.{name}" for name in key)
    changes = ", ".join(f"{name} = given.{name}" for name in columns if name not in key)
    connection.execute(
        f"merge into {table} as stored using ({query}) as given on {found} "
        f"when matched then update set {changes} "
        "when not matched then insert by name",
        [*values],
    )
