"""What the page of one asset shows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.board.alerting import OpenIncident
from orchestration_platform.board.asset_health import AssetHealth
from orchestration_platform.board.board import Board
from orchestration_platform.board.history.materializations import AssetHistory

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Made:
    """A materialization: when, in which run, of which partition, and the rows it recorded."""

    at: float
    run_id: str
    partition: str
    rows: int | None


@dataclass(frozen=True, kw_only=True)
class CheckExecution:
    """An execution of a check.

    Attributes:
        check: its name.
        at: when it was planned, in seconds since 1970.
        run_id: its run.
        status: as Dagster has it: succeeded, failed, planned, ...
        severity: of a failure: warn or error; empty otherwise.
        text: how the check describes its result.
    """

    check: str
    at: float
    run_id: str
    status: str
    severity: str
    text: str


@dataclass(frozen=True, kw_only=True)
class AssetDetail:
    """An asset.

    Attributes:
        asset: its health.
        description: of the asset.
        made: the last materializations, the newest first.
        checks: the last executions of each check, the newest first.
        history: of the last days; None without a materialization.
        upstream: the assets it is made of, with their health if it is known.
        downstream: the assets that are made of it.
        incidents: the open ones about it.
    """

    asset: AssetHealth
    description: str
    made: Sequence[Made]
    checks: Mapping[str, Sequence[CheckExecution]]
    history: AssetHistory | None
    upstream: Mapping[str, AssetHealth | None]
    downstream: Mapping[str, AssetHealth | None]
    incidents: Sequence[OpenIncident]


def asset_detail(context: BaseWorkspaceRequestContext, board: Board, name: str) -> AssetDetail:
    """Return what is known of the asset ``name``.

    Raises:
        LookupError: the workspace has no such asset that something produces.
    """
    health = {asset.name: asset for asset in board.assets}
    if name not in health:
        raise LookupError(f"there is no asset {name}")
    key = dg.AssetKey.from_user_string(name)
    node = context.asset_graph.get(key)

    def beside(keys: Any) -> dict[str, AssetHealth | None]:
        names = sorted(one.to_user_string() for one in keys)
        return {one: health.get(one) for one in names}

    return AssetDetail(
        asset=health[name],
        description=node.description or "",
        made=_made(context.instance, key),
        checks={
            check.name: _executions(context.instance, check)
            for check in sorted(node.check_keys, key=lambda check: check.name)
        },
        history=board.history.assets.get(name),
        upstream=beside(node.parent_keys),
        downstream=beside(node.child_keys),
        incidents=[
            one for one in board.alerts.incidents if name == one.subject or name in one.assets
        ],
    )


def _made(instance: dg.DagsterInstance, key: dg.AssetKey) -> list[Made]:
    found = []
    for record in instance.fetch_materializations(key, limit=_SHOWN).records:
        made = record.asset_materialization
        rows = made.metadata.get("dagster/row_count") if made else None
        found.append(
            Made(
                at=record.timestamp,
                run_id=record.run_id,
                partition=record.partition_key or "",
                rows=rows.value if isinstance(rows, dg.IntMetadataValue) else None,
            )
        )
    return found


def _executions(instance: dg.DagsterInstance, key: dg.AssetCheckKey) -> list[CheckExecution]:
    records = instance.event_log_storage.get_asset_check_execution_history(key, limit=_SHOWN)
    found = []
    for record in records:
        event = record.event.dagster_event if record.event else None
        result = event.event_specific_data if event else None
        if not isinstance(result, dg.AssetCheckEvaluation):
            # planned, and not evaluated yet
            result = None
        found.append(
            CheckExecution(
                check=key.name,
                at=record.create_timestamp,
                run_id=record.run_id,
                status=record.status.value.lower(),
                severity="" if result is None or result.passed else result.severity.value.lower(),
                text=(result.description or "") if result else "",
            )
        )
    return found
