"""The webserver's own tables: sessions of people and the audit log."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

import sqlalchemy as sa

from shared_lib.storage.migrations import Migration, migrate
from shared_lib.storage.transactions import open_engine, transaction

if TYPE_CHECKING:
    import dagster as dg

FILE_NAME = "web.db"

# A number that nothing else uses: the holder of this lock in Postgres makes or migrates the tables.
_LOCK = 7_205_121

METADATA = sa.MetaData()

# Times are seconds since 1970. The id is a digest: a copy of the table opens no session.
SESSIONS = sa.Table(
    "web_sessions",
    METADATA,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("person", sa.String(100), nullable=False),
    sa.Column("groups", sa.JSON, nullable=False),
    sa.Column("ends_at", sa.Float, nullable=False),
)

AUDIT = sa.Table(
    "web_audit",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at", sa.Float, nullable=False),
    sa.Column("person", sa.String(100), nullable=False),
    sa.Column("action", sa.String(400), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    # null while it goes on, and for good if the webserver ended meanwhile
    sa.Column("outcome", sa.String(100)),
    sa.Index("web_audit_by_time", "at"),
)

# A change of a table needs one.
_MIGRATIONS: Sequence[Migration[sa.Connection]] = ()


def database_url(instance: "dg.DagsterInstance") -> str:
    """Return the URL of the instance's Postgres, or of a file beside the SQLite storage."""
    postgres = getattr(instance.run_storage, "postgres_url", None)
    return postgres or f"sqlite:///{Path(instance.root_directory) / FILE_NAME}"


class WebDatabase:
    """Transactions on the tables."""

    def __init__(self, url: str) -> None:
        """Open the database at ``url`` and create or migrate the tables.

        Raises:
            LayoutError: a newer release has changed them, and this release cannot use them.
        """
        engine = open_engine(url)
        migrate(
            engine,
            METADATA,
            _MIGRATIONS,
            first_table="web_sessions",
            applied_table="web_migrations",
            lock=_LOCK,
        )
        # each request of a person reads a session, so connections to a server are kept
        self._engine = (
            engine if engine.dialect.name == "sqlite" else sa.create_engine(url, pool_pre_ping=True)
        )

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """Return a transaction that is committed as a whole or not."""
        return transaction(self._engine, lock=None)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()
