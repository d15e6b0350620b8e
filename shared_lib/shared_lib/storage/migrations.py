"""Migrations of tables in SQLite and Postgres, run when they are opened.

A migration is a function in an ordered list; a table beside the others has the names of those that
were applied. New tables are created from the metadata and have all migrations applied. Tables
without such a list of names were made before the first migration.

An older release may open tables that a newer one has changed, if all it has added is additive.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy
from sqlalchemy import Boolean, Column, Float, MetaData, String, Table

from shared_lib.storage.transactions import transaction

Connection = TypeVar("Connection")


class LayoutError(RuntimeError):
    """This release cannot use the tables as they are; nothing was changed."""


@dataclass(frozen=True)
class Migration(Generic[Connection]):
    """One change of tables that are there.

    Attributes:
        name: what is recorded when it was applied; it never changes.
        change: makes it, within a transaction. It names tables and columns itself, as they are at
            that point of the list, because the definitions in the code go on changing.
        is_additive: whether the release before can go on with the tables: they have only gained
            tables, indexes and columns that may be null or have a default in the database.
    """

    name: str
    change: Callable[[Connection], Any]
    is_additive: bool


def pending(
    applied: Mapping[str, bool], migrations: Sequence[Migration[Connection]], *, tables: str
) -> list[Migration[Connection]]:
    """The migrations that are still to be applied, in their order.

    Args:
        applied: whether each one that was applied is additive, by name.
        migrations: all that this release has.
        tables: which tables they are of, for the message.

    Raises:
        LayoutError: a newer release has changed the tables in a way that is not additive.
    """
    known = {migration.name for migration in migrations}
    newer = [name for name, additive in applied.items() if not additive and name not in known]
    if newer:
        raise LayoutError(
            f"{tables}: a newer release has changed these tables ({', '.join(sorted(newer))}) and "
            "this release cannot use them: start that release or a later one; nothing was changed "
            "and nothing is lost"
        )
    return [migration for migration in migrations if migration.name not in applied]


def migrate(
    engine: sqlalchemy.Engine,
    metadata: MetaData,
    migrations: Sequence[Migration[sqlalchemy.Connection]],
    *,
    first_table: str,
    applied_table: str,
    lock: int,
) -> None:
    """Create the tables of ``metadata``, or bring those that are there up to date.

    It is one transaction, which one process at a time carries out. On SQLite foreign keys neither
    hold nor cascade meanwhile, so that a table can be replaced by a copy; they are checked after.

    Args:
        engine: from :func:`~shared_lib.storage.transactions.open_engine`.
        metadata: the tables as this release has them.
        migrations: all that there have ever been, the oldest first.
        first_table: a table that the very first release created. While neither it nor
            ``applied_table`` is there, the tables are new.
        applied_table: name of the table with the names of the migrations that were applied.
        lock: number of the lock on Postgres.

    Raises:
        LayoutError: a newer release has changed the tables in a way that is not additive, or
            they lack columns that no migration adds.
    """
    applied = _applied_table(applied_table)
    with transaction(engine, lock=lock, checks_references=False) as connection:
        found = set(sqlalchemy.inspect(connection).get_table_names())
        applied.create(connection, checkfirst=True)
        names = {row.name: row.is_additive for row in connection.execute(applied.select())}
        due = pending(names, migrations, tables=first_table)
        if found & {first_table, applied_table}:
            for migration in due:
                migration.change(connection)
        metadata.create_all(connection)
        for migration in due:
            row = {"name": migration.name, "is_additive": migration.is_additive}
            connection.execute(applied.insert().values(**row, applied_at=time.time()))
        _check_columns(connection, metadata)
        if due and engine.dialect.name == "sqlite":
            _check_references(connection)


def _applied_table(name: str) -> Table:
    return Table(
        name,
        MetaData(),
        Column("name", String(100), primary_key=True),
        Column("is_additive", Boolean, nullable=False),
        Column("applied_at", Float, nullable=False),  # seconds since 1970
    )


def _check_columns(connection: sqlalchemy.Connection, metadata: MetaData) -> None:
    found = sqlalchemy.inspect(connection)
    lacking = [
        f"{table.name} lacks {name}"
        for table in metadata.sorted_tables
        for name in set(table.columns.keys())
        - {column["name"] for column in found.get_columns(table.name)}
    ]
    if lacking:
        raise LayoutError(
            f"{', '.join(sorted(lacking))}, and no migration adds it: restore a backup of these "
            "tables or add the columns; nothing was changed"
        )


def _check_references(connection: sqlalchemy.Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
    if broken:
        tables = ", ".join(sorted({f"{row[0]} to {row[2]}" for row in broken}))
        raise LayoutError(f"a migration breaks references from {tables}; nothing was changed")
