"""Tables of a warehouse that one release created and another opens."""

from collections.abc import Iterator, Sequence

import duckdb
import pytest

from shared_lib.storage.migrations import LayoutError, Migration
from shared_lib.warehouse.tables import create_or_migrate

FIRST = "create table if not exists raw.letters (id integer primary key, address varchar not null)"
LATER = (
    "create table if not exists raw.letters "
    "(id integer primary key, service varchar not null, recipient varchar not null)"
)


def split_address(connection: duckdb.DuckDBPyConnection) -> None:
    """By a copy, because DuckDB does not rename a column of a table with an index."""
    connection.execute(
        "create temp table old_letters as from raw.letters; drop table raw.letters;"
        f"{LATER};"
        "insert into raw.letters select id, split_part(address, ':', 1), "
        "split_part(address, ':', 2) from old_letters; drop table old_letters"
    )


def add_note(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table raw.letters add column note varchar")


SPLIT = Migration("split_address", split_address, is_additive=False)
NOTE = Migration("add_note", add_note, is_additive=True)


def open_letters(
    connection: duckdb.DuckDBPyConnection,
    statements: str,
    *migrations: Migration[duckdb.DuckDBPyConnection],
) -> None:
    create_or_migrate(connection, statements, first_table="raw.letters", migrations=migrations)


@pytest.fixture
def old() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute(f"create schema raw; {FIRST}")
        connection.execute("insert into raw.letters values (1, 'mail:anna')")
        yield connection


def letters(connection: duckdb.DuckDBPyConnection) -> Sequence[tuple]:
    return connection.execute("from raw.letters").fetchall()


def test_a_column_is_split_once_and_every_row_stays(old: duckdb.DuckDBPyConnection) -> None:
    for _ in range(2):
        open_letters(old, LATER, SPLIT)
    assert letters(old) == [(1, "mail", "anna")]


def test_new_tables_need_no_migration_now_or_later() -> None:
    with duckdb.connect() as connection:
        for _ in range(2):
            open_letters(connection, LATER, SPLIT)
        connection.execute("insert into raw.letters values (1, 'mail', 'anna')")
        open_letters(connection, LATER, SPLIT)
        assert letters(connection) == [(1, "mail", "anna")]


def test_an_older_release_uses_what_has_only_gained_and_refuses_the_rest(
    old: duckdb.DuckDBPyConnection,
) -> None:
    open_letters(old, FIRST, NOTE)
    open_letters(old, FIRST)
    assert letters(old) == [(1, "mail:anna", None)]
    open_letters(old, LATER, NOTE, SPLIT)
    with pytest.raises(LayoutError, match=r"raw\.letters: a newer release .*\(split_address\)"):
        open_letters(old, FIRST, NOTE)
    assert letters(old) == [(1, "mail", "anna")]


def test_a_migration_that_fails_leaves_all_as_it_was(old: duckdb.DuckDBPyConnection) -> None:
    def fail(connection: duckdb.DuckDBPyConnection) -> None:
        split_address(connection)
        raise OSError("no space left")

    failing = Migration("split_address", fail, is_additive=False)
    with pytest.raises(OSError, match="no space left"):
        open_letters(old, LATER, NOTE, failing)
    assert letters(old) == [(1, "mail:anna")]
    open_letters(old, LATER, SPLIT)
    assert letters(old) == [(1, "mail", "anna")]
