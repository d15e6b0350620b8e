"""Write rows that have a key, in a file and in the lake, which keeps no keys."""

from collections.abc import Mapping, Sequence
from typing import Any

import duckdb

from shared_lib.warehouse.tables import is_lake


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
    """Insert the rows of ``query``; replace the values where the key exists.

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


def replace_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    *,
    key: Sequence[str],
    values: Sequence[Any] | Mapping[str, Any] = (),
) -> None:
    """Insert the rows of ``query`` by column name, in place of stored rows with the same key.

    Args:
        connection: a warehouse; a lake within a transaction.
        table: schema and name of the table.
        query: selects rows with each key once.
        key: the columns of the table's key.
        values: the parameters of ``query``.
    """
    parameters = values if isinstance(values, Mapping) else [*values]
    if not is_lake(connection):
        connection.execute(f"insert or replace into {table} by name {query}", parameters)
        return
    connection.execute(f"create or replace temp table replacing as {query}", parameters)
    equal = " and ".join(f"stored.{name} = replacing.{name}" for name in key)
    connection.execute(f"delete from {table} as stored using replacing where {equal}")  # noqa: S608 - our own names
    connection.execute(f"insert into {table} by name from replacing")


def add_rows(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    query: str,
    *,
    key: Sequence[str],
    values: Sequence[Any] | Mapping[str, Any] = (),
) -> int:
    """Insert the rows of ``query`` whose key does not exist yet; return their number."""
    parameters = values if isinstance(values, Mapping) else [*values]
    statement = f"insert or ignore into {table} by name {query}"
    if is_lake(connection):
        statement = (
            f"insert into {table} by name select distinct * "  # noqa: S608 - our own names
            f"from ({query}) as added anti join {table} using ({', '.join(key)})"
        )
    (count,) = connection.execute(statement, parameters).fetchone() or (0,)
    return count
