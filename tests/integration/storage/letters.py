"""Tables as three releases have them, and processes that open them."""

import os
import signal
from multiprocessing.synchronize import Barrier

import sqlalchemy as sa
from sqlalchemy import Column, ForeignKey, Integer, MetaData, String, Table

from shared_lib.storage.migrations import Migration, migrate
from shared_lib.storage.transactions import open_engine

_COLUMNS = {
    1: ["address"],
    2: ["address", "note"],
    3: ["service", "recipient", "note"],
}


def metadata_of(release: int) -> MetaData:
    """The second release has a table more, and the third splits a column."""
    metadata = MetaData()
    columns = [Column(n, String(50), nullable=n == "note") for n in _COLUMNS[release]]
    Table("letters", metadata, Column("id", Integer, primary_key=True), *columns)
    letter = ForeignKey("letters.id", ondelete="CASCADE")
    Table("letter_pages", metadata, Column("letter_id", letter), Column("number", Integer))
    if release > 1:
        Table("letter_stamps", metadata, Column("id", Integer, primary_key=True))
    return metadata


def add_note(connection: sa.Connection) -> None:
    connection.exec_driver_sql("alter table letters add column note varchar(50)")


def split_address(connection: sa.Connection) -> None:
    connection.exec_driver_sql("alter table letters rename column address to recipient")
    connection.exec_driver_sql(
        "alter table letters add column service varchar(50) not null default ''"
    )
    letters = sa.table("letters", sa.column("id"), sa.column("service"), sa.column("recipient"))
    for row in connection.execute(sa.select(letters)).all():
        service, _, recipient = row.recipient.partition(":")
        change = sa.update(letters).where(letters.c.id == row.id)
        connection.execute(change.values(service=service, recipient=recipient))


def die_after_split(connection: sa.Connection) -> None:
    split_address(connection)
    os.kill(os.getpid(), signal.SIGKILL)


ADD_NOTE = Migration("add_note", add_note, is_additive=True)
SPLIT_ADDRESS = Migration("split_address", split_address, is_additive=False)
MIGRATIONS = {1: [], 2: [ADD_NOTE], 3: [ADD_NOTE, SPLIT_ADDRESS]}


def open_letters(
    url: str, release: int, migrations: list[Migration[sa.Connection]] | None = None
) -> sa.Engine:
    """As that release does when it starts."""
    engine = open_engine(url)
    migrate(
        engine,
        metadata_of(release),
        MIGRATIONS[release] if migrations is None else migrations,
        first_table="letters",
        applied_table="letter_migrations",
        lock=99,
    )
    return engine


def open_together(url: str, barrier: Barrier) -> None:
    """The third release, at the same moment as the others."""
    barrier.wait()
    open_letters(url, 3)


def die_in_migration(url: str) -> None:
    """The third release, killed in its second migration."""
    dying = Migration("split_address", die_after_split, is_additive=False)
    open_letters(url, 3, [ADD_NOTE, dying])
