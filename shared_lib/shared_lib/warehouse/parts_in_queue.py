"""Runs that write a lake, in the queue: one for each part, those of several parts side by side.

A file has one writer, so its pool has one slot. In a lake the pool has a slot for each run, and a
tag names the part that a run writes: the queue starts one run for each value of it.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from shared_lib.warehouse.setting import Backend, backend_of, locations_in_lake

PART_TAG = "warehouse/part"
LIMIT: Mapping[str, Any] = {
    "key": PART_TAG,
    "value": {"applyLimitPerUniqueValue": True},
    "limit": 1,
}
_PARTITIONS = ("dagster/partition", "dagster/asset_partition_range_start")


def part_tags(run: dg.DagsterRun) -> dict[str, str]:
    """Return the tag with the part of a lake that a run writes; none if it is not known.

    A partition such as ``baseline|2025`` belongs to the part before its last bar. A run about one
    connection belongs to that connection.
    """
    origin = run.remote_job_origin
    if origin is None or backend_of(origin.location_name) is Backend.FILE:
        return {}
    for name in _PARTITIONS:
        part, bar, _ = run.tags.get(name, "").rpartition("|")
        if bar:
            return {PART_TAG: f"{origin.location_name}/{part}"}
    connection = connection_of(run)
    return {PART_TAG: f"{origin.location_name}/{connection}"} if connection else {}


def connection_of(run: dg.DagsterRun) -> str | None:
    """Return the connection that all steps of a run are about; None if they are about several."""
    steps: Any = run.run_config.get("ops", {})
    return steps.get("*", {}).get("config", {}).get("connection_id")


def widen_pools(instance: dg.DagsterInstance, slots: int) -> None:
    """Give the pool of each lake a slot for each run, unless somebody has set its limit."""
    locations = locations_in_lake()
    if not locations or not instance.event_log_storage.supports_global_concurrency_limits:
        return
    are_set = {
        pool.name for pool in instance.event_log_storage.get_pool_limits() if not pool.from_default
    }
    for location in locations:
        pool = f"{location}_warehouse"
        if pool not in are_set:
            instance.event_log_storage.set_concurrency_slots(pool, slots)
