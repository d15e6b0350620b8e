"""Runs of the market that happened long ago."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable
from tests.integration.orchestration_platform.housekeeping import market

STEPS = {"selling": "sales", "counting": "stock_is_there", "opening": "opens"}


def run(
    instance: dg.DagsterInstance,
    job: str,
    *,
    days_ago: float,
    is_good: bool = True,
    partition: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> str:
    """Run ``job``, and date the run back; returns its id."""
    result = market.defs.resolve_job_def(job).execute_in_process(
        instance=instance,
        raise_on_error=False,
        partition_key=partition,
        run_config={"ops": {STEPS[job]: {"config": {"is_good": is_good}}}},
        tags={".dagster/repository": "__repository__@market", **(tags or {})},
    )
    date_back(instance, result.run_id, days_ago=days_ago)
    return result.run_id


def date_back(instance: dg.DagsterInstance, run_id: str, *, days_ago: float) -> None:
    """Let a run have happened so long ago."""
    at = datetime.now(UTC) - timedelta(days=days_ago)
    values: dict[str, Any] = {
        "create_timestamp": at.replace(tzinfo=None),
        "update_timestamp": at.replace(tzinfo=None),
        "start_time": at.timestamp(),
        "end_time": at.timestamp() + 1,
    }
    _change(instance, run_id, values)
    events, checks = SqlEventLogStorageTable, AssetCheckExecutionsTable
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        is_of_run = events.c.run_id == run_id
        then = at.replace(tzinfo=None)
        connection.execute(sa.update(events).where(is_of_run).values(timestamp=then))
        connection.execute(
            sa.update(checks)
            .where(checks.c.run_id == run_id)
            .values(evaluation_event_timestamp=then, create_timestamp=then)
        )


def with_status(instance: dg.DagsterInstance, run_id: str, status: dg.DagsterRunStatus) -> None:
    """Let a run be in ``status``."""
    _change(instance, run_id, {"status": status.value})


def _change(instance: dg.DagsterInstance, run_id: str, values: dict[str, Any]) -> None:
    storage = instance.run_storage
    assert isinstance(storage, SqlRunStorage)
    with storage.connect() as connection:
        connection.execute(sa.update(RunsTable).where(RunsTable.c.run_id == run_id).values(values))


def stored(instance: dg.DagsterInstance) -> set[str]:
    """The ids of all runs."""
    return {found.run_id for found in instance.get_runs()}
