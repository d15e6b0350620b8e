"""What is backed up in a test, and what people see of it."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg
import sqlalchemy as sa
from tests.integration.orchestration_platform.backup.conftest import Platform
from tests.integration.orchestration_platform.housekeeping.history import run, stored
from tests.integration.orchestration_platform.housekeeping.test_retention import incident
from upath import UPath

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.backup.create import create


def back_up(platform: Platform, place: UPath, *, day: int = 1, keep: int = 7) -> UPath:
    return create(
        platform.instance, platform.data, place, keep=keep, wait_seconds=0.0, on_wait=print,
        now=datetime(2026, 5, day, tzinfo=UTC),
    )  # fmt: skip


def state(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What people see of an instance."""
    with Database(database_url(instance)).transaction() as connection:
        incidents = connection.execute(sa.select(INCIDENTS)).mappings().all()
    return {
        "incidents": [dict(row) for row in incidents],
        "runs": {found.run_id: found.status for found in instance.get_runs()},
        "events": {run_id: len(instance.all_logs(run_id)) for run_id in stored(instance)},
        "stock": instance.get_latest_materialization_event(dg.AssetKey("stock")),
        "sales": instance.get_materialized_partitions(dg.AssetKey("sales")),
    }


def let_things_happen(platform: Platform) -> None:
    run(platform.instance, "counting", days_ago=0)
    run(platform.instance, "selling", days_ago=0, partition="north")
    failed = run(platform.instance, "opening", days_ago=0, is_good=False)
    with Database(database_url(platform.instance)).transaction() as connection:
        connection.execute(sa.insert(INCIDENTS), [incident(failed)])
