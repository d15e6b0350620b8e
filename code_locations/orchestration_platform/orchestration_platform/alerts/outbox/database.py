"""The database of the outbox, which is that of the Dagster instance."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy

from orchestration_platform.alerts.outbox.migrations import MIGRATIONS
from orchestration_platform.alerts.outbox.tables import METADATA
from shared_lib.storage.migrations import migrate
from shared_lib.storage.transactions import open_engine, transaction

if TYPE_CHECKING:
    import dagster as dg

FILE_NAME = "alerts.db"

# A number that nothing else uses: the holder of this lock in Postgres writes to the outbox.
_LOCK = 7_205_113


def database_url(instance: "dg.DagsterInstance") -> str:
    """Return the URL of the instance's database: Postgres, or a file beside the SQLite storage."""
    postgres = getattr(instance.run_storage, "postgres_url", None)
    if postgres:
        return postgres
    return f"sqlite:///{Path(instance.root_directory) / FILE_NAME}"


class Database:
    """Transactions, one at a time across all processes."""

    def __init__(self, url: str) -> None:
        """Open the database at ``url`` and create or migrate the tables.

        A connection is kept from one transaction to the next, until :meth:`close`.

        Raises:
            LayoutError: a newer release has changed them, and this release cannot use them.
        """
        self._engine = open_engine(url, keeps_connection=True)
        migrate(
            self._engine,
            METADATA,
            MIGRATIONS,
            first_table="alert_incidents",
            applied_table="alert_migrations",
            lock=_LOCK,
        )

    @contextmanager
    def transaction(self) -> Iterator[sqlalchemy.Connection]:
        """Run a transaction that sees all earlier ones and is committed as a whole or not."""
        with transaction(self._engine, lock=_LOCK) as connection:
            yield connection

    def close(self) -> None:
        """Close the connection; a later transaction opens another."""
        self._engine.dispose()
