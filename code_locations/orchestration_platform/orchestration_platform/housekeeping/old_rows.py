"""Deletes old rows of the tables that grow for ever beside runs, their events and ticks.

The sensor of the alerts deletes those of the outbox. The other tables of the platform and of
Dagster have a row for each thing that exists, such as a partition, not for each that happened.
"""

import os
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import BackfillTagsTable, BulkActionsTable, RunsTable

from orchestration_platform.housekeeping.settings import Retention
from orchestration_platform.web.database import AUDIT
from orchestration_platform.web.database import database_url as web_database_url
from shared_lib.dagster_client.job_runs import DATABASE_VARIABLE, ENDED, FILE_NAME, JOB_RUNS
from shared_lib.storage.transactions import open_engine, transaction

_DAY = 86400.0


def delete_old_rows(
    instance: dg.DagsterInstance, retention: Retention, *, is_dry: bool, now: float
) -> Counter[str]:
    """Delete old rows of the audit log, of triggered jobs and of backfills; return how many.

    Args:
        instance: where the tables are.
        retention: for how long rows stay.
        is_dry: only count.
        now: the moment in seconds since 1970.
    """
    before = now - retention.longest_days * _DAY
    audited = AUDIT.c.at < now - retention.audit_days * _DAY
    triggered = (JOB_RUNS.c.ended_at < before) & JOB_RUNS.c.status.in_(ENDED)
    counted = Counter(
        {
            AUDIT.name: _delete(web_database_url(instance), AUDIT, audited, is_dry=is_dry),
            JOB_RUNS.name: _delete(job_runs_url(instance), JOB_RUNS, triggered, is_dry=is_dry),
            "backfills": _delete_backfills(instance, before=before, is_dry=is_dry),
        }
    )
    return +counted


def _delete(url: str, table: sa.Table, is_old: sa.ColumnElement[bool], *, is_dry: bool) -> int:
    address = sa.make_url(url)
    if address.get_backend_name() == "sqlite" and not Path(str(address.database)).exists():
        return 0  # nothing was recorded yet
    engine = open_engine(url)
    with transaction(engine, lock=None) as connection:
        if not sa.inspect(connection).has_table(table.name):
            return 0
        if is_dry:
            return _count(connection, table, is_old)
        return connection.execute(sa.delete(table).where(is_old)).rowcount


def _delete_backfills(instance: dg.DagsterInstance, *, before: float, is_dry: bool) -> int:
    """Delete backfills that have ended and whose runs are all deleted."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise TypeError(f"the storage {type(storage).__name__} has no SQL to read")
    columns = BulkActionsTable.c
    with_runs = sa.exists().where(RunsTable.c.backfill_id == columns.key)
    is_old = (
        columns.status.in_([status.value for status in BULK_ACTION_TERMINAL_STATUSES])
        & (columns.timestamp < datetime.fromtimestamp(before, UTC).replace(tzinfo=None))
        & ~with_runs
    )
    with storage.connect() as connection:
        if is_dry:
            return _count(connection, BulkActionsTable, is_old)
        old = sa.select(columns.key).where(is_old)
        connection.execute(
            sa.delete(BackfillTagsTable).where(BackfillTagsTable.c.backfill_id.in_(old))
        )
        return connection.execute(sa.delete(BulkActionsTable).where(is_old)).rowcount


def _count(connection: sa.Connection, table: sa.Table, is_old: sa.ColumnElement[bool]) -> int:
    query = sa.select(sa.func.count()).select_from(table).where(is_old)
    return connection.execute(query).scalar_one()


def job_runs_url(instance: dg.DagsterInstance) -> str:
    """Return the URL of the table of triggered jobs: that of the client, or beside the storage."""
    postgres = getattr(instance.run_storage, "postgres_url", None)
    beside = f"sqlite:///{Path(instance.root_directory) / FILE_NAME}"
    return os.environ.get(DATABASE_VARIABLE) or postgres or beside
