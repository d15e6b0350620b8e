"""Dagster's Postgres storage without secrets in its events; ``deploy/dagster.yaml`` names it.

Most events are made by a log record, whose texts are redacted as such. Those that Dagster reports
of a run from outside, the reason of its failure among them, go to the storage directly.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg
from dagster_postgres import DagsterPostgresStorage, PostgresEventLogStorage
from dagster_postgres.utils import get_token_provider_from_config, pg_url_from_config


class PostgresEventLog(PostgresEventLogStorage):
    """The event log."""

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event without its secrets."""
        from shared_lib.secrets.redaction.events import redacted_event

        super().store_event(redacted_event(event))


class PostgresStorage(DagsterPostgresStorage):
    """Runs, events and schedules in one database; configured as Dagster's own."""

    def __init__(self, postgres_url: str, **options: Any) -> None:
        """Open the storage at ``postgres_url``, as Dagster does from its configuration."""
        super().__init__(postgres_url, **options)
        self._event_log_storage = PostgresEventLog(
            postgres_url,
            self.should_autocreate_tables,
            token_provider=options.get("token_provider"),
        )

    @classmethod
    def from_config_value(
        cls, inst_data: Any, config_value: Mapping[str, Any]
    ) -> "PostgresStorage":
        """Make it as ``dagster.yaml`` says, in the fields of Dagster's own storage."""
        return cls(
            pg_url_from_config(config_value),
            inst_data=inst_data,
            should_autocreate_tables=config_value.get("should_autocreate_tables", True),
            token_provider=get_token_provider_from_config(config_value),
        )
