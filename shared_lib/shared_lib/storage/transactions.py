"""Transactions on SQLite and Postgres that begin, and take their lock, at once."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy
from sqlalchemy import event

_BUSY_SECONDS = 30
_PAUSE_SECONDS = 0.01


def open_engine(url: str, *, keeps_connection: bool = False) -> sqlalchemy.Engine:
    """An engine for :func:`transaction`.

    Args:
        url: of a database on SQLite or Postgres.
        keeps_connection: whether transactions that follow one another share a connection, until
            the engine is disposed of. A connection to Postgres costs 10 ms of CPU, most of them in
            the server. Otherwise each transaction opens its own. A kept one must not be forked.
    """
    is_sqlite = sqlalchemy.make_url(url).get_backend_name() == "sqlite"
    options: dict[str, Any] = {"connect_args": {"timeout": _BUSY_SECONDS}} if is_sqlite else {}
    if keeps_connection:
        options |= {
            "poolclass": sqlalchemy.QueuePool,
            "pool_size": 1,
            "max_overflow": -1,  # of threads that run transactions at the same time
            "pool_pre_ping": True,
        }
    else:
        options["poolclass"] = sqlalchemy.NullPool
    engine = sqlalchemy.create_engine(url, **options)
    if is_sqlite:
        event.listen(engine, "connect", _leave_transactions_to_us)
    return engine


@contextmanager
def transaction(
    engine: sqlalchemy.Engine, *, lock: int | None, checks_references: bool = True
) -> Iterator[sqlalchemy.Connection]:
    """A transaction that is wholly there or not at all.

    On SQLite one transaction at a time goes on, in whichever process.

    Args:
        engine: from :func:`open_engine`.
        lock: on Postgres, transactions with the same number go on one at a time.
        checks_references: on SQLite, whether foreign keys are enforced and cascade.
    """
    with engine.connect() as connection, connection.begin():
        if engine.dialect.name == "sqlite":
            # which SQLite ignores within a transaction
            mode = "ON" if checks_references else "OFF"
            connection.exec_driver_sql(f"PRAGMA foreign_keys={mode}")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        elif lock is not None:
            connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(lock)))
        yield connection


def _leave_transactions_to_us(connection, _record) -> None:  # noqa: ANN001 - of the driver
    # Python's own transactions begin late, and take the right to write even later.
    connection.isolation_level = None
    deadline = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # SQLite does not wait for another process that changes the mode at the same time
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
        else:
            return
        time.sleep(_PAUSE_SECONDS)
