"""The health of each asset, as Dagster itself computes it for Dagster+.

Open-source Dagster contains the rules but answers null when its API is asked for their result.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace

import dagster as dg
from dagster._core.definitions.asset_health.asset_check_health import (
    AssetHealthCheckDegradedMetadata,
    get_asset_check_status_and_metadata,
)
from dagster._core.definitions.asset_health.asset_freshness_health import (
    get_freshness_status_and_metadata,
)
from dagster._core.definitions.asset_health.asset_health import (
    AssetHealthStatus,
    overall_status_from_component_statuses,
)
from dagster._core.definitions.asset_health.asset_materialization_health import (
    AssetHealthMaterializationDegradedPartitionedMeta,
    get_materialization_status_and_metadata,
)
from dagster._core.storage.event_log.base import AssetCheckSummaryRecord, AssetRecord
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.board.health import Health

_HEALTH = {
    AssetHealthStatus.DEGRADED: Health.DEGRADED,
    AssetHealthStatus.WARNING: Health.WARNING,
    AssetHealthStatus.HEALTHY: Health.HEALTHY,
}
_EXECUTION_SUCCEEDED = "SUCCEEDED"


@dataclass(frozen=True, kw_only=True)
class AssetHealth:
    """One asset.

    Attributes:
        name: its key, parts joined by a slash.
        location: its code location.
        group: its group.
        owners: as Dagster has them: an address, or ``team:name``.
        health: the worst of materialization, freshness and checks.
        reason: what makes it so, empty if it is healthy.
        last_success_at: its last materialization, in seconds since 1970.
        run_id: the run to look at: the failed one, or the last that materialized it.
        failed_checks: the names of its checks that failed last.
        upstream_degraded: the degraded assets that it is made of, directly or not.
    """

    name: str
    location: str
    group: str
    owners: tuple[str, ...]
    health: Health
    reason: str
    last_success_at: float | None
    run_id: str
    failed_checks: tuple[str, ...]
    upstream_degraded: tuple[str, ...] = ()


def asset_healths(context: BaseWorkspaceRequestContext) -> list[AssetHealth]:
    """Return the health of every asset of the workspace that something produces, by name."""
    graph = context.asset_graph
    keys = sorted(key for key in graph.get_all_asset_keys() if graph.get(key).is_executable)
    found = asyncio.run(_all(context, keys))
    assets = dict(zip(keys, found, strict=True))
    degraded = {key for key, asset in assets.items() if asset.health is Health.DEGRADED}
    above = _upstream_degraded(context, degraded)
    return [
        replace(asset, upstream_degraded=tuple(sorted(above.get(key, ()))))
        for key, asset in assets.items()
    ]


async def _all(
    context: BaseWorkspaceRequestContext, keys: Iterable[dg.AssetKey]
) -> list[AssetHealth]:
    # together, so that Dagster's loaders ask the database once for all
    return await asyncio.gather(*(_one(context, key) for key in keys))


async def _one(context: BaseWorkspaceRequestContext, key: dg.AssetKey) -> AssetHealth:
    node = context.asset_graph.get(key)
    (checks, check_detail), (made, made_detail), (freshness, _), record = await asyncio.gather(
        get_asset_check_status_and_metadata(context, key),
        get_materialization_status_and_metadata(context, key),
        get_freshness_status_and_metadata(context, key),
        AssetRecord.gen(context, key),
    )
    failed = ()
    if checks in (AssetHealthStatus.DEGRADED, AssetHealthStatus.WARNING):
        failed = await _failed_checks(context, key)
    last = record.asset_entry.last_materialization if record else None
    failed_run = getattr(made_detail, "latest_failed_to_materialize_run_id", None)
    overall = overall_status_from_component_statuses(checks, made, freshness)
    reasons = [
        _made_reason(made, made_detail),
        _checks_reason(checks, check_detail, failed),
        _freshness_reason(freshness),
    ]
    return AssetHealth(
        name=key.to_user_string(),
        location=node.resolve_to_singular_repo_scoped_node().repository_handle.location_name,
        group=node.group_name or "default",
        owners=tuple(node.owners),
        health=_HEALTH.get(overall, Health.UNKNOWN),
        reason="; ".join(filter(None, reasons)),
        last_success_at=last.timestamp if last else None,
        run_id=failed_run or (last.run_id if last else ""),
        failed_checks=failed,
    )


async def _failed_checks(context: BaseWorkspaceRequestContext, key: dg.AssetKey) -> tuple[str, ...]:
    check_keys = sorted(
        context.asset_graph.get_check_keys_for_assets({key}), key=lambda check: check.name
    )
    records = await AssetCheckSummaryRecord.gen_many(context, check_keys)
    return tuple(
        record.asset_check_key.name
        for record in records
        if record is not None
        and record.last_completed_check_execution_record is not None
        and record.last_completed_check_execution_record.status.value != _EXECUTION_SUCCEEDED
    )


def _made_reason(status: AssetHealthStatus, detail: object) -> str:
    if isinstance(detail, AssetHealthMaterializationDegradedPartitionedMeta):
        return (
            f"{detail.num_failed_partitions:,} of {detail.total_num_partitions:,} partitions failed"
        )
    return {
        AssetHealthStatus.DEGRADED: "its last run failed",
        AssetHealthStatus.WARNING: "its last run failed and is retried",
        AssetHealthStatus.UNKNOWN: "never materialized",
    }.get(status, "")


def _checks_reason(status: AssetHealthStatus, detail: object, failed: tuple[str, ...]) -> str:
    if status is AssetHealthStatus.UNKNOWN:
        return "a check never ran"
    if not failed:
        return ""
    kind = "failed" if isinstance(detail, AssetHealthCheckDegradedMetadata) else "warns"
    return f"{'check' if len(failed) == 1 else 'checks'} {', '.join(failed)} {kind}"


def _freshness_reason(status: AssetHealthStatus) -> str:
    return {
        AssetHealthStatus.DEGRADED: "older than its freshness policy allows",
        AssetHealthStatus.WARNING: "soon older than its freshness policy allows",
        AssetHealthStatus.UNKNOWN: "its freshness was never evaluated",
    }.get(status, "")


def _upstream_degraded(
    context: BaseWorkspaceRequestContext, degraded: set[dg.AssetKey]
) -> dict[dg.AssetKey, set[str]]:
    """Return the degraded assets above each asset that has some."""
    above: dict[dg.AssetKey, set[str]] = {}
    for source in degraded:
        following, seen = [source], {source}
        while following:
            for child in context.asset_graph.get(following.pop()).child_keys:
                if child not in seen:
                    seen.add(child)
                    following.append(child)
                    above.setdefault(child, set()).add(source.to_user_string())
    return above
