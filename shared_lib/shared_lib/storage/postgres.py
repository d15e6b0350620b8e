"""Dagster's Postgres storage as ``deploy/dagster.yaml`` names it.

It differs from Dagster's own storage in two ways. Events contain no secrets: most come from a log
record, which is redacted as such, but those that Dagster reports about a run from outside, such as
the reason of its failure, go directly to the storage. And processes that start together on an empty
database create its tables one after the other.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

import dagster as dg
import sqlalchemy
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    DagsterPostgresException,
    create_pg_connection,
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

from shared_lib.private_files import keep_files_private
from shared_lib.storage.deleted_runs import delete_files, delete_superseded_checks

# Any number that nobody else locks in the same database.
_LOCK = 7_205_115


# What libpq says, and what to do about it.
_REMEDIES = {
    "certificate verify failed": (
        "no authority in the file of PGSSLROOTCERT ({root}) vouches for the server: "
        "give it the certificate of the server's own authority"
    ),
    "does not match host name": (
        "the certificate is another host's: use a host name that it has, or have one issued for "
        "this name"
    ),
    "server does not support SSL": (
        "the server has no TLS, and PGSSLMODE ({mode}) allows no connection without: set ssl=on in "
        "the server"
    ),
    "root certificate file": "PGSSLROOTCERT ({root}) names a file that does not exist",
    "password authentication failed": (
        "the file of PGPASSFILE ({passfile}) has another password for this host, port, database "
        "and user"
    ),
    "no password supplied": (
        "the file of PGPASSFILE ({passfile}) has no line for this host, port, database and user, "
        "or others may read it: it must have the mode 600"
    ),
}


class NoConnectionError(RuntimeError):
    """Postgres refused the connection, or did not prove who it is; the message says what to do."""


class PostgresEventLog(PostgresEventLogStorage):
    """The event log."""

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event without its secrets."""
        from shared_lib.secrets.redaction.events import redacted_event

        super().store_event(redacted_event(event))

    def delete_events(self, run_id: str) -> None:
        """Delete the events of a run, and what Dagster leaves of a deleted run."""
        with self.index_connection() as connection:
            delete_superseded_checks(connection, [run_id])
        super().delete_events(run_id)
        delete_files(self._instance, run_id)


class PostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in one database; configured like Dagster's own storage."""

    def __init__(self, postgres_url: str, **options: Any) -> None:
        """Open the storage at ``postgres_url``, as Dagster does from its configuration."""
        keep_files_private()
        token_provider = options.get("token_provider")
        with _alone(postgres_url, token_provider):
            super().__init__(postgres_url, **options)
            self._event_log_storage = PostgresEventLog(
                postgres_url, self.should_autocreate_tables, token_provider=token_provider
            )

    @classmethod
    def from_config_value(
        cls, inst_data: Any, config_value: Mapping[str, Any]
    ) -> "PostgresStorage":
        """Create the storage from ``dagster.yaml``, with the fields of Dagster's own storage."""
        return cls(
            pg_url_from_config(config_value),
            inst_data=inst_data,
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )


@contextmanager
def _alone(postgres_url: str, token_provider: Any) -> Iterator[None]:
    """Run the body while no other process opens its storage in the same database.

    Dagster creates what is missing when it opens a storage. It tries again if another process was
    first to create a table, but not if it was first to create a type or a sequence: some processes
    that started together on an empty database ended with "type already exists".
    """
    engine = create_pg_engine(postgres_url, token_provider, poolclass=sqlalchemy.NullPool)
    with ExitStack() as stack:
        try:
            connection = stack.enter_context(create_pg_connection(engine))
        except DagsterPostgresException as error:
            raise NoConnectionError(_no_connection(engine.url, str(error.__cause__))) from error
        stack.enter_context(connection.begin())
        # a lock of the transaction, not of the session: poolers keep sessions
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK)))
        yield


def _no_connection(url: sqlalchemy.URL, found: str) -> str:
    # SQLAlchemy adds the driver's class and a link to its own page
    reason = found.partition("(Background")[0].rpartition("OperationalError) ")[2].strip()
    variables = {
        "root": os.environ.get("PGSSLROOTCERT") or "not set",
        "mode": os.environ.get("PGSSLMODE") or "not set",
        "passfile": os.environ.get("PGPASSFILE") or "not set",
    }
    remedies = [text.format(**variables) for said, text in _REMEDIES.items() if said in found]
    where = f"{url.host}:{url.port} as {url.username}"
    return ": ".join([f"no connection to Postgres at {where}", *remedies, reason])
