"""Deletes many runs at once, with all that they left.

Dagster deletes one run in some ten transactions, each of which waits for the disk: 50,000 runs take
hours, and a night's 150 a minute on a busy machine.
"""

from collections.abc import Sequence

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetEventTagsTable,
    ConcurrencySlotsTable,
    PendingStepsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable

from shared_lib.storage.deleted_runs import delete_files, delete_superseded_checks
from shared_lib.storage.sqlite import SqliteEventLog


def delete_runs(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs, whichever storage the instance has: Dagster's chart allows only Dagster's own.

    Their events go first: a run without events is found again if the process is killed in between.

    Args:
        instance: where the runs are.
        run_ids: at most some hundred.

    Raises:
        TypeError: the storage is not a database.
    """
    events, runs = instance.event_log_storage, instance.run_storage
    if not (isinstance(events, SqlEventLogStorage) and isinstance(runs, SqlRunStorage)):
        raise TypeError(f"the storage {type(runs).__name__} has no SQL to delete from")
    with events.index_connection() as connection:
        delete_superseded_checks(connection, run_ids)
        _delete_events(connection, run_ids)
        with_slots = _with_slots(connection, run_ids)
    for run_id in with_slots:
        events.free_concurrency_slots_for_run(run_id)
    for run_id in run_ids:
        if isinstance(events, SqliteEventLog):
            events.delete_file_of_run(run_id)
        elif isinstance(events, SqliteEventLogStorage):
            # Dagster's own keeps the file, without events
            events.delete_events(run_id)
        delete_files(instance, run_id)
    with runs.connect() as connection:
        # SQLite has no cascade here
        for table in (RunTagsTable, RunsTable):
            connection.execute(sa.delete(table).where(table.c.run_id.in_(run_ids)))


def _delete_events(connection: sa.Connection, run_ids: Sequence[str]) -> None:
    columns = SqlEventLogStorageTable.c
    of_assets = sa.select(columns.id).where(
        columns.run_id.in_(run_ids), columns.asset_key.is_not(None)
    )
    connection.execute(
        sa.delete(AssetEventTagsTable).where(AssetEventTagsTable.c.event_id.in_(of_assets))
    )
    connection.execute(sa.delete(SqlEventLogStorageTable).where(columns.run_id.in_(run_ids)))


def _with_slots(connection: sa.Connection, run_ids: Sequence[str]) -> Sequence[str]:
    """The runs that hold a slot of a pool or wait for one, which an ended run should not."""
    held, waiting = ConcurrencySlotsTable.c.run_id, PendingStepsTable.c.run_id
    query = sa.union(
        sa.select(held).where(held.in_(run_ids)), sa.select(waiting).where(waiting.in_(run_ids))
    )
    return connection.execute(query).scalars().all()
