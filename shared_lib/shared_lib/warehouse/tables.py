"""Tables that Python writes into a warehouse: created, or brought up to date, before each use."""

import hashlib
import re
from collections.abc import Sequence

import duckdb

from shared_lib.storage.migrations import Migration, pending
from shared_lib.warehouse.transaction import transaction

# DuckLake has no keys: there uniqueness rests on how rows are written, and on checks. Parquet files
# are compressed in their own way.
KEYS = re.compile(
    r",(?:\s*--[^\n]*)*\s*primary key \([^)]*\)|\s+primary key\b|\s+using compression \w+"
)

_APPLIED = """
create schema if not exists raw;
create table if not exists raw.applied_migrations (
    first_table varchar not null,
    name varchar not null,
    is_additive boolean not null,
    applied_at timestamptz not null
);
"""


def create_or_migrate(
    connection: duckdb.DuckDBPyConnection,
    statements: str,
    *,
    first_table: str,
    migrations: Sequence[Migration[duckdb.DuckDBPyConnection]] = (),
) -> None:
    """Create missing tables and bring existing ones up to date, in one transaction.

    DuckDB lets one process at a time write the file. It does not alter a table with an index, such
    as a primary key, beyond adding columns: a migration puts a copy in its place.

    Args:
        connection: a warehouse, outside a transaction.
        statements: create the missing tables, as this release has them, and the views.
        first_table: schema and name of the table that has been there from the first release on.
            Its migrations are recorded under this name in ``raw.applied_migrations``.
        migrations: every migration of every release, the oldest first; see
            :mod:`shared_lib.storage.migrations`.

    Raises:
        LayoutError: a newer release has changed the tables in a way that is not additive.
    """
    schema, _, table = first_table.partition(".")
    note = _note_of(statements, migrations) if is_lake(connection) else None
    if note is not None and _noted(connection, schema, table) == note:
        return
    with transaction(connection):
        connection.execute(_APPLIED)
        applied = dict(
            connection.execute(
                "select name, is_additive from raw.applied_migrations where first_table = ?",
                [first_table],
            ).fetchall()
        )
        due = pending(applied, migrations, tables=first_table)
        is_there = connection.execute(
            # others may be attached
            "select 1 from duckdb_tables() where database_name = current_database() "
            "and schema_name = ? and table_name = ?",
            [schema, table],
        ).fetchone()
        if is_there or applied:
            for migration in due:
                migration.change(connection)
        connection.execute(statements if note is None else KEYS.sub("", statements))
        for migration in due:
            connection.execute(
                "insert into raw.applied_migrations by name select ? as first_table, ? as name, "
                "? as is_additive, now() as applied_at",
                [first_table, migration.name, migration.is_additive],
            )
        if note is not None:
            connection.execute(f"comment on table {first_table} is '{note}'")


def _note_of(statements: str, migrations: Sequence[Migration[duckdb.DuckDBPyConnection]]) -> str:
    """Return a text that identifies a layout.

    In a lake each statement queries the catalog, and a run creates its tables before each step. So
    a comment on the first table names the layout that exists.
    """
    names = [migration.name for migration in migrations]
    digest = hashlib.md5(f"{statements}{names}".encode(), usedforsecurity=False)
    return f"layout {digest.hexdigest()}"


def _noted(connection: duckdb.DuckDBPyConnection, schema: str, table: str) -> str | None:
    row = connection.execute(
        "select comment from duckdb_tables() where database_name = current_database() "
        "and schema_name = ? and table_name = ?",
        [schema, table],
    ).fetchone()
    return row[0] if row else None


def is_lake(connection: duckdb.DuckDBPyConnection) -> bool:
    """Return whether the connection's own tables are in a lake, which keeps no keys."""
    row = connection.execute(
        "select type from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    return row == ("ducklake",)
