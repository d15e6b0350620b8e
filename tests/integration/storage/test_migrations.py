"""Tables that one release made and another opens, on either kind of database."""

import multiprocessing
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from psycopg import sql
from tests.integration.storage.letters import (
    ADD_NOTE,
    die_in_migration,
    metadata_of,
    open_letters,
    open_together,
)

from sandboxes.postgres import PASSWORD, connect, postgres_server, program
from shared_lib.storage.migrations import LayoutError, Migration
from shared_lib.storage.transactions import transaction

LETTERS = [(1, "mail:anna", 2), (2, "slack:#data", 1)]
SPLIT = [(1, "mail", "anna", None), (2, "slack", "#data", None)]


@pytest.fixture(scope="module")
def postgres_port() -> Iterator[int]:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    with postgres_server() as port:
        yield port


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'letters.db'}"
    port: int = request.getfixturevalue("postgres_port")
    name = f"letters_{time.monotonic_ns()}"
    with connect(port, "postgres", PASSWORD) as connection:
        connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
    return f"postgresql://postgres:{PASSWORD}@127.0.0.1:{port}/{name}"


@pytest.fixture
def old(url: str) -> str:
    """A database with rows, of the time before there were migrations."""
    engine = sa.create_engine(url)
    metadata = metadata_of(1)
    metadata.create_all(engine)
    with engine.begin() as connection:
        for number, address, pages in LETTERS:
            row = {"id": number, "address": address}
            connection.execute(metadata.tables["letters"].insert().values(row))
            for page in range(pages):
                of_page = {"letter_id": number, "number": page}
                connection.execute(metadata.tables["letter_pages"].insert().values(of_page))
    engine.dispose()
    return url


def rows(url: str, release: int, table: str = "letters") -> list[tuple]:
    found = metadata_of(release).tables[table]
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        read = connection.execute(sa.select(found).order_by(*found.columns)).all()
    engine.dispose()
    return [tuple(row) for row in read]


def applied(url: str) -> list[str]:
    engine = sa.create_engine(url)
    with engine.connect() as connection:
        query = sa.text("select name from letter_migrations order by applied_at")
        names = connection.execute(query).scalars().all()
    engine.dispose()
    return list(names)


def layout(url: str) -> dict[str, set[tuple[str, str, bool]]]:
    engine = sa.create_engine(url)
    found = sa.inspect(engine)
    read = {
        name: {(c["name"], str(c["type"]), c["nullable"]) for c in found.get_columns(name)}
        for name in found.get_table_names()
    }
    engine.dispose()
    return read


def open_in_five_processes(url: str) -> list[int | None]:
    """Their exit statuses."""
    spawn = multiprocessing.get_context("spawn")
    barrier = spawn.Barrier(5)
    processes = [spawn.Process(target=open_together, args=(url, barrier)) for _ in range(5)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    return [process.exitcode for process in processes]


def test_a_column_is_split_and_every_row_stays(old: str) -> None:
    open_letters(old, 3)
    assert rows(old, 3) == SPLIT
    assert len(rows(old, 3, "letter_pages")) == 3
    assert applied(old) == ["add_note", "split_address"]
    open_letters(old, 3)
    assert rows(old, 3) == SPLIT


def test_new_tables_are_those_that_migrations_come_to(old: str, tmp_path: Path) -> None:
    open_letters(old, 3)
    new = f"sqlite:///{tmp_path / 'new.db'}"
    open_letters(new, 3)
    assert applied(new) == ["add_note", "split_address"]
    assert layout(new).keys() == layout(old).keys()
    for name in ("letters", "letter_pages", "letter_stamps"):
        assert layout(new)[name] == layout(old)[name]


def test_an_older_release_can_use_tables_with_additions_only(old: str) -> None:
    open_letters(old, 2)
    engine = open_letters(old, 1)
    with transaction(engine, lock=99) as connection:
        letter = {"id": 3, "address": "mail:bert"}
        connection.execute(metadata_of(1).tables["letters"].insert().values(letter))
    assert applied(old) == ["add_note"]
    open_letters(old, 2)
    assert rows(old, 2)[2] == (3, "mail:bert", None)


def test_an_older_release_refuses_what_it_cannot_use_and_changes_nothing(old: str) -> None:
    open_letters(old, 3)
    before = (layout(old), rows(old, 3))
    with pytest.raises(LayoutError) as refused:
        open_letters(old, 1)
    assert str(refused.value).startswith(
        "letters: a newer release has changed these tables (split_address)"
    )
    assert (layout(old), rows(old, 3)) == before


def test_a_column_that_no_migration_adds_is_named_and_nothing_is_changed(old: str) -> None:
    before = layout(old)
    with pytest.raises(LayoutError, match="letters lacks note, and no migration adds it"):
        open_letters(old, 2, [])
    assert layout(old) == before


def test_of_several_processes_one_migrates(old: str) -> None:
    assert open_in_five_processes(old) == [0] * 5
    assert rows(old, 3) == SPLIT
    assert applied(old) == ["add_note", "split_address"]


def test_of_several_processes_one_creates_the_tables(url: str) -> None:
    assert open_in_five_processes(url) == [0] * 5
    assert applied(url) == ["add_note", "split_address"]


def test_a_process_that_is_killed_leaves_the_tables_as_they_were(old: str) -> None:
    before = (layout(old), rows(old, 1))
    process = multiprocessing.get_context("spawn").Process(target=die_in_migration, args=(old,))
    process.start()
    process.join()
    assert process.exitcode == -signal.SIGKILL
    assert (layout(old), rows(old, 1)) == before
    open_letters(old, 3)
    assert rows(old, 3) == SPLIT


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("keeps_rows", [True, False])
def test_on_sqlite_a_copy_can_replace_a_table_that_others_refer_to(
    old: str, *, keeps_rows: bool
) -> None:
    def replace(connection: sa.Connection) -> None:
        connection.exec_driver_sql(
            "create table copy (id integer primary key, address varchar(50) not null, "
            "note varchar(50))"
        )
        if keeps_rows:
            connection.exec_driver_sql("insert into copy select id, address, null from letters")
        connection.exec_driver_sql("drop table letters")
        connection.exec_driver_sql("alter table copy rename to letters")

    migrations = [Migration(ADD_NOTE.name, replace, is_additive=True)]
    if keeps_rows:
        open_letters(old, 2, migrations)
        assert [row[:2] for row in rows(old, 2)] == [row[:2] for row in LETTERS]
    else:
        with pytest.raises(LayoutError, match="breaks references from letter_pages to letters"):
            open_letters(old, 2, migrations)
    assert len(rows(old, 1, "letter_pages")) == 3
