"""Where the outbox is kept: in the database of the Dagster instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import sqlalchemy
from sqlalchemy import event

from orchestration_platform.alerts.outbox.tables import METADATA

FILE_NAME = "alerts.db"

_BUSY_SECONDS = 30
# Any number that nobody else uses: who holds it in Postgres writes the outbox.
_LOCK = 7_205_113


class OutboxLayoutError(RuntimeError):
    """The tables of the outbox are not as this release has them."""


def database_url(instance: dg.DagsterInstance) -> str:
    """The address of the instance's database: Postgres, or a file beside the SQLite storage."""
    postgres = getattr(instance.run_storage, "postgres_url", None)
    if postgres:
        return postgres
    return f"sqlite:///{Path(instance.root_directory) / FILE_NAME}"


class Database:
    """Transactions of which one at a time goes on, in whichever process."""

    def __init__(self, url: str) -> None:
        """Open the database at ``url`` and make the tables that are not there.

        Raises:
            OutboxLayoutError: those that are there were made by another release.
        """
        self._is_sqlite = sqlalchemy.make_url(url).get_backend_name() == "sqlite"
        options = {"connect_args": {"timeout": _BUSY_SECONDS}} if self._is_sqlite else {}
        self._engine = sqlalchemy.create_engine(url, poolclass=sqlalchemy.NullPool, **options)
        if self._is_sqlite:
            event.listen(self._engine, "connect", _leave_transactions_to_us)
        with self.transaction() as connection:
            self._check_layout(connection)
            METADATA.create_all(connection)

    def _check_layout(self, connection: sqlalchemy.Connection) -> None:
        found = sqlalchemy.inspect(connection)
        there = set(found.get_table_names())
        differences: list[str] = []
        for table in METADATA.sorted_tables:
            if table.name not in there:
                continue
            columns = {column["name"] for column in found.get_columns(table.name)}
            wanted = set(table.columns.keys())
            differences += [f"{table.name} lacks {name}" for name in sorted(wanted - columns)]
            differences += [f"{table.name} has {name} more" for name in sorted(columns - wanted)]
        if not differences:
            return
        tables = ", ".join(table.name for table in reversed(METADATA.sorted_tables))
        remedy = (
            f"remove {self._engine.url.database} and the files -wal and -shm beside it"
            if self._is_sqlite
            else f"run DROP TABLE IF EXISTS {tables}"
        )
        raise OutboxLayoutError(
            f"the tables of the alerts are of another release ({', '.join(differences)}): stop the "
            f"sensor, {remedy}, and start it again; what waited is not told, and what fails from "
            "then on is"
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """A transaction that sees all earlier ones and is wholly there or not at all."""
        with self._engine.connect() as connection, connection.begin():
            if self._is_sqlite:
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            else:
                lock = sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK))
                connection.execute(lock)
            yield connection

    def close(self) -> None:
        """Close what is open."""
        self._engine.dispose()


def _leave_transactions_to_us(connection, _record) -> None:  # noqa: ANN001 - of the driver
    # Python's own transactions begin late, and take the right to write even later.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA foreign_keys=ON")
