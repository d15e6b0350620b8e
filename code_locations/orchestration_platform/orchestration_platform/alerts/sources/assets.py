"""Assets that were materialised, and assets that a run should have materialised but did not.

Open-source Dagster stores no event for the latter: they follow from what a failed run had planned.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.feeds import events
from orchestration_platform.alerts.sources.runs.facts import parent_of, partition_of, run_alert
from orchestration_platform.alerts.sources.runs.failures import step_problem
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.partition_ranges import (
    made_since,
    unmade_partitions,
)
from orchestration_platform.alerts.sources.runs.plan import node_of
from orchestration_platform.alerts.sources.source import (
    Finding,
    Found,
    Reading,
    Source,
    occurrence_key,
)
from shared_lib.secrets import redact

_FAILURE = EventType.ASSET_MATERIALIZATION_FAILURE
_SUCCESS = EventType.ASSET_MATERIALIZATION_SUCCESS


def failed_assets(record: dg.RunRecord, log: RunLog, *, at: float, whole: Problem) -> list[Finding]:
    """Return the assets that the failed steps did not make, without those that depend on them.

    Args:
        record: the run.
        log: the log of the run.
        at: when the run failed.
        whole: what went wrong, for a run in which no step failed.
    """
    run = record.dagster_run
    steps = {event.step_key or "": step_problem(event, log) for event in log.failed_steps}
    by_dbt = _not_built_by_dbt(log)
    unmade = unmade_partitions(run, log)
    missing = {
        asset: step
        for asset, step in sorted(log.planned_assets.items())
        if unmade.get(asset, asset not in log.made_assets)
    }
    tried = set(steps) or _where_it_died(run, log, set(missing.values()))
    findings: list[Finding] = []
    for asset, step in missing.items():
        if step not in tried:
            continue
        status, message = by_dbt.get(asset, ("", ""))
        if status == "skipped":
            continue
        problem = steps.get(step, whole)
        if message:
            problem = Problem(step, f"dbt {status}", message, "", "")
        # an asset without partitions has no partition to make, whatever the run covers
        partition = partition_of(run.tags) if asset in log.partitioned_assets else ""
        left = unmade.get(asset, ())
        findings.append(_finding(record, asset, problem, at=at, partition=partition, left=left))
    return _without_remade(findings, log)


def _where_it_died(run: dg.DagsterRun, log: RunLog, steps: set[str]) -> set[str]:
    """Return those of ``steps`` that were in progress when a run died without a step failure.

    These are the steps that had started; if none had, the steps that would have come next.
    """
    left = steps - log.finished_steps
    begun = {node_of(step) for step in log.started_steps}
    found = {step for step in left if node_of(step) in begun}
    plan = None if found else log.plan_of(run)
    if plan is None:
        return found or left
    nodes = {node_of(step) for step in left}
    return {step for step in left if not plan.nodes_before(node_of(step)) & nodes}


def _without_remade(findings: list[Finding], log: RunLog) -> list[Finding]:
    """Leave out assets that another run made after the step failed, while this run continued."""
    failed_at = {finding.key: _failed_at(finding, log) for finding in findings}
    keys = [_key(finding) for finding in findings if failed_at[finding.key] is not None]
    latest = log.instance.get_latest_materialization_events(keys) if keys else {}
    found: list[Finding] = []
    for finding in findings:
        since, made = failed_at[finding.key], latest.get(_key(finding))
        if since is None or made is None or made.timestamp <= since:
            found.append(finding)
            continue
        alert = finding.alert
        left = set(alert.partitions or (alert.partition,))
        left -= made_since(log.instance, alert, since)
        if left:
            of_range = tuple(sorted(left)) if alert.partitions else ()
            found.append(replace(finding, alert=replace(alert, partitions=of_range)))
    return found


def _failed_at(finding: Finding, log: RunLog) -> float | None:
    """Return when the step that makes the asset failed, or None if it did not."""
    [problem] = finding.alert.problems
    return log.failed_at.get(problem.step)


def _key(finding: Finding) -> dg.AssetKey:
    return dg.AssetKey(finding.alert.subject.split("/"))


def _finding(
    record: dg.RunRecord,
    asset: str,
    problem: Problem,
    *,
    at: float,
    partition: str,
    left: Collection[str],
) -> Finding:
    run = record.dagster_run
    parent = parent_of(run.tags)
    return Finding(
        alert=run_alert(
            _FAILURE,
            run,
            at=at,
            started_at=record.start_time,
            kind="Asset",
            subject=asset,
            assets=(asset,),
            problems=(problem,),
            partition=partition,
            partitions=tuple(sorted(left)),
        ),
        key=occurrence_key(_FAILURE, run.run_id, asset),
        parent_key=occurrence_key(_FAILURE, parent, asset) if parent else "",
        tags=run.tags,
    )


def _not_built_by_dbt(log: RunLog) -> dict[str, tuple[str, str]]:
    """Map each asset whose dbt node failed or was skipped to its status and dbt's message."""
    found: dict[str, tuple[str, str]] = {}
    for event in log.observations:
        metadata = event.asset_observation_data.asset_observation.metadata
        if event.asset_key and "dbt/status" in metadata:
            message = str(metadata["dbt/message"].value)
            status = str(metadata["dbt/status"].value)
            found[event.asset_key.to_user_string()] = (status, redact(message))
    return found


def _made(reading: Reading, records: Sequence[Any]) -> Found:
    found = Found()
    if _SUCCESS in reading.reported:
        runs = _runs(reading, {record.run_id for record in records if record.run_id})
        found.findings += [_good_news(record, runs.get(record.run_id)) for record in records]
    if reading.wants([_FAILURE]):
        found.recoveries += map(_recovery, records)
    return found


MATERIALIZATIONS = Source(
    name=dg.DagsterEventType.ASSET_MATERIALIZATION.value,
    event_types=(_SUCCESS, _FAILURE),
    read=events.batches_of(events.materializations, _made),
)


def _runs(reading: Reading, run_ids: set[str]) -> dict[str, dg.DagsterRun]:
    if not run_ids:
        return {}
    found = reading.instance.get_run_records(dg.RunsFilter(run_ids=sorted(run_ids)))
    return {record.dagster_run.run_id: record.dagster_run for record in found}


def _good_news(record: Any, run: dg.DagsterRun | None) -> Finding:
    asset = record.asset_key.to_user_string()
    known = {
        "kind": "Asset",
        "subject": asset,
        "assets": (asset,),
        "partition": record.partition or "",
    }
    alert = (
        run_alert(_SUCCESS, run, at=record.timestamp, started_at=None, **known)
        if run
        else Alert(
            event_type=_SUCCESS.value,
            severity=_SUCCESS.severity,
            at=record.timestamp,
            location=UNKNOWN_LOCATION,
            **known,
        )
    )
    return Finding(
        alert=alert,
        key=occurrence_key(_SUCCESS, str(record.storage_id)),
        tags=run.tags if run else {},
    )


def _recovery(record: Any) -> Recovery:
    asset = record.asset_key.to_user_string()
    return Recovery.of_subject(
        asset, (_FAILURE,), at=record.timestamp, partition=record.partition or ""
    )
