"""The runs that must stay, however old: the state of something is known from them alone."""

from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum

import dagster as dg
import sqlalchemy as sa
from dagster._core.execution.backfill import BULK_ACTION_TERMINAL_STATUSES
from dagster._core.scheduler.instigation import InstigatorType
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import BulkActionsTable, RunsTable, RunTagsTable
from dagster._core.storage.tags import (
    PARENT_RUN_ID_TAG,
    ROOT_RUN_ID_TAG,
    RUN_KEY_TAG,
    SENSOR_NAME_TAG,
)

from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.retention.runs_in_use import runs_in_use

_REPOSITORY_TAG = ".dagster/repository"
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")


class Need(StrEnum):
    """Why a run stays."""

    ASSET = "last event of an asset or partition"
    CHECK = "last result of a check"
    JOB = "last run of a job or partition"
    BACKFILL = "unfinished backfill"
    ALERT = "open incident"
    PARENT = "run that is tried again"
    RUN_KEY = "run key of a sensor without a cursor"


def needed_runs(instance: dg.DagsterInstance, alerts: Database) -> Mapping[str, Need]:
    """Return the ids of the runs that must stay, each with a reason.

    Args:
        instance: where the runs are.
        alerts: the outbox.

    Raises:
        TypeError: the storage is not a database.
    """
    events, runs = instance.event_log_storage, instance.run_storage
    if not (isinstance(events, SqlEventLogStorage) and isinstance(runs, SqlRunStorage)):
        raise TypeError(f"the storage {type(runs).__name__} has no SQL to read")
    with events.index_connection() as connection:
        found = {Need.ASSET: _of_assets(connection), Need.CHECK: _of_checks(connection)}
    with runs.connect() as connection:
        found |= {Need.JOB: _of_jobs(connection), Need.BACKFILL: _of_backfills(connection)}
        found[Need.PARENT] = _of_retries(connection)
        found[Need.RUN_KEY] = _of_run_keys(connection, _with_cursor(instance))
    with alerts.transaction() as connection:
        found[Need.ALERT] = runs_in_use(connection)
    return {run_id: need for need, run_ids in found.items() for run_id in run_ids if run_id}


def _of_assets(connection: sa.Connection) -> Iterable[str]:
    """The last event of each kind of each partition: materialized, observed, planned, failed."""
    columns = SqlEventLogStorageTable.c
    last = (
        sa.select(sa.func.max(columns.id))
        .where(columns.asset_key.is_not(None))
        .group_by(columns.asset_key, columns.partition, columns.dagster_event_type)
    )
    of_events = sa.select(columns.run_id).where(columns.id.in_(last))
    either = sa.union(of_events, sa.select(AssetKeyTable.c.last_run_id))
    return connection.execute(either).scalars().all()


def _of_checks(connection: sa.Connection) -> Iterable[str]:
    """The last execution of each check in each partition with each result."""
    columns = AssetCheckExecutionsTable.c
    last = sa.select(sa.func.max(columns.id)).group_by(
        columns.asset_key, columns.check_name, columns.partition, columns.execution_status
    )
    return connection.execute(sa.select(columns.run_id).where(columns.id.in_(last))).scalars().all()


def _of_jobs(connection: sa.Connection) -> Iterable[str]:
    """The last run of each job of each location, and of each of its partitions, in each status."""
    columns, tags = RunsTable.c, RunTagsTable.c
    is_location = (tags.run_id == columns.run_id) & (tags.key == _REPOSITORY_TAG)
    last = (
        sa.select(sa.func.max(columns.id))
        .select_from(RunsTable.outerjoin(RunTagsTable, is_location))
        .group_by(columns.pipeline_name, tags.value, columns.partition, columns.status)
    )
    return connection.execute(sa.select(columns.run_id).where(columns.id.in_(last))).scalars().all()


def _of_backfills(connection: sa.Connection) -> Iterable[str]:
    ended = [status.value for status in BULK_ACTION_TERMINAL_STATUSES]
    unfinished = sa.select(BulkActionsTable.c.key).where(BulkActionsTable.c.status.not_in(ended))
    columns = RunsTable.c
    query = sa.select(columns.run_id).where(columns.backfill_id.in_(unfinished))
    return connection.execute(query).scalars().all()


def _of_retries(connection: sa.Connection) -> Iterable[str]:
    """The runs whose steps a run that has not ended may read."""
    columns, tags = RunsTable.c, RunTagsTable.c
    query = sa.select(tags.value).where(
        tags.key.in_([PARENT_RUN_ID_TAG, ROOT_RUN_ID_TAG]),
        tags.run_id.in_(sa.select(columns.run_id).where(columns.status.not_in(_ENDED))),
    )
    return connection.execute(query).scalars().all()


def _of_run_keys(connection: sa.Connection, with_cursor: Collection[str]) -> Iterable[str]:
    """Without a run with its key, a sensor that keeps no cursor would start it again."""
    key, sensor = RunTagsTable.alias(), RunTagsTable.alias()
    query = (
        sa.select(key.c.run_id)
        .join(sensor, sensor.c.run_id == key.c.run_id)
        .where(
            key.c.key == RUN_KEY_TAG,
            sensor.c.key == SENSOR_NAME_TAG,
            sensor.c.value.not_in(with_cursor),
        )
    )
    return connection.execute(query).scalars().all()


def _with_cursor(instance: dg.DagsterInstance) -> set[str]:
    states = instance.all_instigator_state(instigator_type=InstigatorType.SENSOR)
    return {
        state.instigator_name for state in states if getattr(state.instigator_data, "cursor", None)
    }
