"""Ticks of schedules and sensors, as Dagster evaluates them."""

from datetime import UTC, datetime
from typing import Any

import dagster as dg

from shared_lib.discovery import Location

MONDAY = datetime(2026, 1, 5, 5, tzinfo=UTC)


def tick_schedule(
    location: Location, name: str, instance: dg.DagsterInstance, moment: datetime = MONDAY
) -> Any:
    definitions = location.definitions
    context = dg.build_schedule_context(
        instance=instance,
        scheduled_execution_time=moment,
        repository_def=definitions.get_repository_def(),
    )
    return definitions.get_repository_def().get_schedule_def(name).evaluate_tick(context)


def tick_sensor(
    location: Location, name: str, instance: dg.DagsterInstance, cursor: str | None = None
) -> Any:
    repository = location.definitions.get_repository_def()
    # as the daemon makes it; the one of `build_sensor_context` cannot look up dynamic partitions
    context = dg.SensorEvaluationContext(
        instance_ref=None if instance.is_ephemeral else instance.get_ref(),
        last_tick_completion_time=None,
        last_run_key=None,
        cursor=cursor,
        log_key=None,
        repository_name=None,
        instance=instance,
        repository_def=repository,
        sensor_name=name,
    )
    return repository.get_sensor_def(name).evaluate_tick(context)
