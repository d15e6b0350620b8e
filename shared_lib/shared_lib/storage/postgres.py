"""Dagster's Postgres storage as ``deploy/dagster.yaml`` names it.

It differs from Dagster's own storage in two ways. Events contain no secrets: most come from a log
record, which is redacted as such, but those that Dagster reports about a run from outside, such as
the reason of its failure, go directly to the storage. And processes that start together on an empty
database create its tables one after the other.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import dagster as dg
import sqlalchemy
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import (
    create_pg_connection,
    create_pg_engine,
    get_token_provider_from_config,
    pg_url_from_config,
)

from shared_lib.private_files import keep_files_private
from shared_lib.storage.deleted_runs import delete_files, delete_superseded_checks

# Any number that nobody else locks in the same database.
_LOCK = 7_205_115


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
    with create_pg_connection(engine) as connection, connection.begin():
        # a lock of the transaction, not of the session: poolers keep sessions
        connection.execute(sqlalchemy.select(sqlalchemy.func.pg_advisory_xact_lock(_LOCK)))
        yield
