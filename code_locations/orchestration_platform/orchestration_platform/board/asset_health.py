"""The health of each asset, as Dagster itself computes it for Dagster+.

Open-source Dagster contains the rules but answers null when its API is asked for their result.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import dagster as dg
import sqlalchemy as sa
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
from dagster._core.storage.asset_check_execution_record import AssetCheckExecutionRecord
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.base import AssetCheckSummaryRecord, AssetRecord
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.board.asset_marks import Mark, asset_marks
from orchestration_platform.board.freshness import freshness_limit
from orchestration_platform.board.health import Health
from orchestration_platform.board.history.check_window import Check, Checks, CheckWindow
from orchestration_platform.board.ids_by_time import batches
from orchestration_platform.board.runbook import runbook
from shared_lib.metadata import BOARD

_HEALTH = {
    AssetHealthStatus.DEGRADED: Health.DEGRADED,
    AssetHealthStatus.WARNING: Health.WARNING,
    AssetHealthStatus.HEALTHY: Health.HEALTHY,
}
_FRESHNESS = {
    AssetHealthStatus.HEALTHY: "pass",
    AssetHealthStatus.WARNING: "warn",
    AssetHealthStatus.DEGRADED: "fail",
    AssetHealthStatus.UNKNOWN: "unknown",
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
        unmade_run_id: the last run, if it was to materialize the asset and has not; else empty.
        failed_checks: the names of its checks that failed last.
        freshness: pass, warn, fail or unknown by its freshness policy; empty without one.
        freshness_limit: what its freshness policy allows; empty without one.
        stale_status: fresh, stale or missing: whether it has what its code and data would now make.
        last_run_status: of the last run that was to materialize it; empty without one.
        tables: by title, what its last materialization published for the board.
        upstream_degraded: the degraded assets that it is made of, directly or not.
        runbook: what to do, from its metadata: an address or a text; empty without one.
    """

    name: str
    location: str
    group: str
    owners: tuple[str, ...]
    health: Health
    reason: str
    last_success_at: float | None
    run_id: str
    unmade_run_id: str
    failed_checks: tuple[str, ...]
    freshness: str
    freshness_limit: str
    stale_status: str
    last_run_status: str = ""
    tables: Mapping[str, dg.TableMetadataValue] = field(default_factory=dict)
    upstream_degraded: tuple[str, ...] = ()
    runbook: str = ""


def read_checks(
    context: BaseWorkspaceRequestContext, window: CheckWindow, *, now: datetime
) -> Checks:
    """Return the executions of the checks of the workspace at ``now``.

    Raises:
        TypeError: the storage is not a database.
    """
    storage = context.instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the event storage {type(storage).__name__} has no SQL to read")
    defined = [_in_database(key) for key in context.asset_graph.asset_check_keys]
    with storage.index_connection() as connection:
        return window.read(connection, defined, now=now)


class AssetHealths:
    """The health of every asset, kept between reads: Dagster is asked for what has changed."""

    def __init__(self) -> None:
        """Know nothing yet: the first read asks for all assets."""
        self._lock = threading.Lock()
        self._graph: object = None
        self._marks: Mapping[dg.AssetKey, Mark] = {}
        self._known: dict[dg.AssetKey, AssetHealth] = {}

    def read(self, context: BaseWorkspaceRequestContext, checks: Checks) -> list[AssetHealth]:
        """Return every asset of the workspace that something produces, by name.

        Args:
            context: of a request to the webserver.
            checks: their executions.

        Raises:
            TypeError: the storage is not a database.
        """
        graph = context.asset_graph
        with self._lock:
            if graph is not self._graph:
                self._graph, self._marks, self._known = graph, {}, {}
            nodes = {key: graph.get(key) for key in graph.get_all_asset_keys()}
            # before the states, so that what changes meanwhile has another mark next time
            marks = asset_marks(
                context.instance,
                executions=checks.last.values(),
                with_policy=[key for key, node in nodes.items() if node.freshness_policy],
            )
            made = sorted(key for key, node in nodes.items() if node.is_executable)
            changed = {key for key in nodes if marks.get(key) != self._marks.get(key)}
            anew = [
                key for key in made
                if key in changed or key not in self._known or self._is_below(context, key, changed)
            ]  # fmt: skip
            self._known |= dict(zip(anew, asyncio.run(_all(context, anew, checks)), strict=True))
            self._marks = marks
            for key in made:
                status = marks[key].run_status.lower() if key in marks else ""
                if self._known[key].last_run_status != status:
                    self._known[key] = replace(self._known[key], last_run_status=status)
            assets = {key: self._known[key] for key in made}
        degraded = {key for key, asset in assets.items() if asset.health is Health.DEGRADED}
        above = _upstream_degraded(context, degraded)
        return [
            replace(asset, upstream_degraded=tuple(sorted(above[key]))) if key in above else asset
            for key, asset in assets.items()
        ]

    def _is_below(
        self, context: BaseWorkspaceRequestContext, key: dg.AssetKey, changed: set[dg.AssetKey]
    ) -> bool:
        """Whether what the asset is made of has changed, which may make it stale."""
        graph = context.asset_graph
        return bool(changed) and any(
            parent in changed
            or (graph.get(parent).is_virtual and self._is_below(context, parent, changed))
            for parent in graph.get(key).parent_keys
        )


async def _all(
    context: BaseWorkspaceRequestContext, keys: Sequence[dg.AssetKey], checks: Checks
) -> list[AssetHealth]:
    _load_records(context, keys)
    _load_checks(context, keys, checks)
    # together, so that Dagster's loaders ask the database once for all
    return await asyncio.gather(*(_one(context, key) for key in keys))


def _load_records(context: BaseWorkspaceRequestContext, keys: Sequence[dg.AssetKey]) -> None:
    """Load the records of the assets and of what they are made of, at once, for both loaders."""
    wanted = {*keys, *(above for key in keys for above in context.asset_graph.get(key).parent_keys)}
    wanted |= {
        above
        for key in wanted
        if context.asset_graph.get(key).is_virtual
        for above in context.asset_graph.get_non_virtual_ancestor_keys(key)
    }
    ordered = sorted(wanted)
    loader, _ = context.get_loaders_for(AssetRecord)
    records = AssetRecord.blocking_get_many(context, ordered)
    for key, record in zip(ordered, records, strict=True):
        loader.prime(key, record)


def _load_checks(
    context: BaseWorkspaceRequestContext, keys: Sequence[dg.AssetKey], checks: Checks
) -> None:
    """Load the last results of the checks by their ids; Dagster would read all executions."""
    check_keys = context.asset_graph.get_check_keys_for_assets(set(keys))
    by_id = {
        execution.id: (key, execution)
        for key in check_keys
        for found in (checks.last, checks.last_ended)
        if (execution := found.get(_in_database(key)))
    }
    records = _records(context.instance, {one: key for one, (key, _) in by_id.items()})
    loader, _ = context.get_loaders_for(AssetCheckSummaryRecord)
    for key in check_keys:
        last, ended = (
            records.get(execution.id) if (execution := found.get(_in_database(key))) else None
            for found in (checks.last, checks.last_ended)
        )
        record = AssetCheckSummaryRecord(
            asset_check_key=key,
            last_check_execution_record=last,
            last_run_id=last.run_id if last else None,
            last_completed_check_execution_record=ended,
        )
        loader.prime(key, record)


def _in_database(key: dg.AssetCheckKey) -> Check:
    return key.asset_key.to_string(), key.name


def _records(
    instance: dg.DagsterInstance, keys: Mapping[int, dg.AssetCheckKey]
) -> Mapping[int, AssetCheckExecutionRecord]:
    storage, found = instance.event_log_storage, {}
    if not isinstance(storage, SqlEventLogStorage):
        raise TypeError(f"the event storage {type(storage).__name__} has no SQL to read")
    with storage.index_connection() as connection:
        for ids in batches(keys):
            query = sa.select(AssetCheckExecutionsTable).where(
                AssetCheckExecutionsTable.c.id.in_(ids)
            )
            for row in connection.execute(query).mappings():
                found[row["id"]] = AssetCheckExecutionRecord.from_db_row(row, keys[row["id"]])
    return found


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
    entry = record.asset_entry if record else None
    is_unmade = made in (AssetHealthStatus.DEGRADED, AssetHealthStatus.WARNING)
    if entry is None or (last is not None and last.run_id == entry.last_run_id):
        is_unmade = False
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
        unmade_run_id=(entry.last_run_id or "") if entry and is_unmade else "",
        failed_checks=failed,
        freshness=_FRESHNESS.get(freshness, ""),
        freshness_limit=freshness_limit(node.freshness_policy),
        stale_status=context.stale_status_loader.get_status(key).value.lower(),
        tables=_published(last),
        runbook=runbook(node.metadata),
    )


def _published(last: dg.EventLogEntry | None) -> Mapping[str, dg.TableMetadataValue]:
    made = last.asset_materialization if last else None
    return {
        name.removeprefix(BOARD): value
        for name, value in (made.metadata if made else {}).items()
        if name.startswith(BOARD) and isinstance(value, dg.TableMetadataValue)
    }


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
    is_one = len(failed) == 1
    warns = "warns" if is_one else "warn"
    verb = "failed" if isinstance(detail, AssetHealthCheckDegradedMetadata) else warns
    return f"{'check' if is_one else 'checks'} {', '.join(failed)} {verb}"


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
