"""Writes rows into the raw tables: many at once, from one JSON text."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime

import duckdb

from gocardless.extraction.tables import SEEN, RawTable, Row


@contextmanager
def in_one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the database work in one thread while the body runs.

    A million rows take seconds, and with two threads on one core's halves up to twice the CPU.
    """
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute("reset threads")


# What the database may hold. Beyond it temporary tables go to files beside the warehouse: those
# that were replaced in a transaction are kept until it ends. What each updated row takes until
# then, about 200 bytes, has to stay in memory.
_MEMORY_BYTES, _BYTES_OF_A_ROW = 1_000_000_000, 300


@contextmanager
def within_memory(connection: duckdb.DuckDBPyConnection, *, rows: int) -> Iterator[None]:
    """Limit the memory of the database while the body runs, by how many rows it may update."""
    limit = _MEMORY_BYTES + _BYTES_OF_A_ROW * rows
    connection.execute("set memory_limit = ?", [f"{limit}B"])
    try:
        yield
    finally:
        connection.execute("reset memory_limit")


def stage(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Row],
) -> None:
    """Put rows into a temporary table of that name and those columns."""
    # as texts, since a cast of a text to a decimal is exact and JSON's numbers are not
    shape = {
        column: ["VARCHAR"] if kind.endswith("[]") else "VARCHAR"
        for column, kind in columns.items()
    }
    casts = ", ".join(
        f"cast(entry.{column} as {kind}) as {column}" for column, kind in columns.items()
    )
    connection.execute(
        f"create or replace temp table {name} as select {casts} from ("  # noqa: S608 - own names
        "select unnest(from_json(?::json, ?)) as entry)",
        [json.dumps(rows, default=str), json.dumps([shape])],
    )


def upsert(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    rows: Sequence[Row],
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """Write rows; of those that are known, what has changed and when they were seen last.

    Args:
        connection: a warehouse with the raw tables.
        table: where to.
        rows: a value for each column of the table; for one key the last row counts.
        seen_at: when the API sent them, UTC.
        run_id: the run that asked.
    """
    by_key = {tuple(row[name] for name in table.key): row for row in rows}
    if not by_key:
        return
    stage(connection, "staged_rows", table.columns, list(by_key.values()))
    merge(connection, table, "staged_rows", seen_at=seen_at, run_id=run_id)


def merge(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    staged: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """The same for the rows of the temporary table ``staged``, which has each key once."""
    _update_known(connection, table, staged, seen_at=seen_at, run_id=run_id)
    key = ", ".join(table.key)
    source = f"{staged} anti join raw.{table.name} using ({key})"
    insert_new(connection, table, source, seen_at=seen_at, run_id=run_id)


def insert_new(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    source: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """Insert rows of which none is known.

    Args:
        connection: a warehouse with the raw tables.
        table: where to.
        source: what follows ``from``; our own words, since it is not quoted.
        seen_at: when the API sent them, UTC.
        run_id: the run that asked.
    """
    names = ", ".join(table.columns)
    connection.execute(
        f"insert into raw.{table.name} "  # noqa: S608 - own names
        f"({names}, {', '.join(SEEN)}) select {names}, $at, $at, $run, $run from {source}",
        {"at": seen_at.replace(tzinfo=None), "run": run_id},
    )


def _update_known(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    staged: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    # what a row says follows from its payload: where that is in the key, nothing else can change
    changing = () if "payload_digest" in table.key else table.columns
    changes = "".join(f"{name} = s.{name}, " for name in changing if name not in table.key)
    equal = " and ".join(f"t.{name} = s.{name}" for name in table.key)
    # not MERGE, which takes 20 times as long for rows that match
    connection.execute(
        f"update raw.{table.name} as t set "  # noqa: S608 - own names
        f"{changes}last_seen_at = $at, last_run_id = $run from {staged} as s where {equal}",
        {"at": seen_at.replace(tzinfo=None), "run": run_id},
    )
