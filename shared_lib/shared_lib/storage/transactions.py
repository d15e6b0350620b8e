"""Transactions on SQLite and Postgres that begin, and take their lock, at once."""

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy
from sqlalchemy import event

_BUSY_SECONDS = 30


def open_engine(url: str) -> sqlalchemy.Engine:
    """An engine for :func:`transaction`, which opens a connection for each."""
    is_sqlite = sqlalchemy.make_url(url).get_backend_name() == "sqlite"
    options = {"connect_args": {"timeout": _BUSY_SECONDS}} if is_sqlite else {}
    engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, **options)
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
    connection.execute("PRAGMA journal_mode=WAL")
