"""Asset checks: the results of the checks in a run, and of checks that ran outside any run."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import CHECK_OUTCOMES, EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.feeds import events
from orchestration_platform.alerts.sources.runs.check_results import (
    check_name,
    check_problem,
    outcome_of,
)
from orchestration_platform.alerts.sources.runs.facts import partition_of, run_alert
from orchestration_platform.alerts.sources.runs.failures import step_problem
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.plan import node_of
from orchestration_platform.alerts.sources.source import (
    Finding,
    Found,
    Reading,
    Source,
    occurrence_key,
)

_KIND = "Asset check"
_NOW = {
    EventType.ASSET_CHECK_SEVERITY_WARN: "it reports a warning",
    EventType.ASSET_CHECK_SEVERITY_ERROR: "it reports an error",
}


def checks_of_run(record: dg.RunRecord, log: RunLog, *, at: float, is_whole: bool) -> Found:
    """Return the results of the checks in a run.

    Args:
        record: the run.
        log: the log of the run.
        at: when the run ended.
        is_whole: whether checks without a result were attempted; false for a cancelled run.
    """
    run = record.dagster_run
    found = Found()
    evaluated: set[dg.AssetCheckKey] = set()
    for entry in log.check_evaluations:
        evaluation = entry.event_log_entry.get_dagster_event().asset_check_evaluation_data
        evaluated.add(evaluation.asset_check_key)
        outcome = outcome_of(evaluation)
        partition = evaluation.partition or _partition(run, log, evaluation.asset_check_key)
        alert = run_alert(
            outcome,
            run,
            at=entry.timestamp,
            started_at=None,
            **_about(evaluation.asset_check_key),
            partition=partition,
            problems=_problems(evaluation),
        )
        key = occurrence_key(outcome, run.run_id, str(entry.storage_id))
        found.findings.append(Finding(alert=alert, key=key, tags=run.tags))
        # the result of a check without partitions applies to the whole asset
        recovery = _recovery(evaluation.asset_check_key, outcome, entry, partition or None)
        found.recoveries.append(recovery)
    silent = sorted(log.planned_checks.keys() - evaluated, key=str) if is_whole else []
    found.findings += _without_result(record, log, silent, at=at)
    return found


def _partition(run: dg.DagsterRun, log: RunLog, check: dg.AssetCheckKey) -> str:
    """Return the partition that ``check`` examines in ``run``; an ordinary check has none."""
    of_run = partition_of(run.tags)
    return of_run if of_run and check in log.partitioned_checks else ""


def _without_result(
    record: dg.RunRecord, log: RunLog, checks: Sequence[dg.AssetCheckKey], *, at: float
) -> Iterator[Finding]:
    """Return checks that have no result although they should, unless the checked asset failed."""
    run, kind = record.dagster_run, EventType.ASSET_CHECK_EXECUTION_FAILURE
    errors = [step_problem(event, log) for event in log.failed_steps]
    for check in checks:
        asset = check.asset_key.to_user_string()
        if asset in log.planned_assets and asset not in log.made_assets:
            continue
        node = node_of(log.planned_checks[check])
        own = [problem for problem in errors if node_of(problem.step) == node]
        unexplained = Problem(
            "", kind, "the run has ended and the check returned no result", "", ""
        )
        yield Finding(
            alert=run_alert(
                kind,
                run,
                at=at,
                started_at=record.start_time,
                **_about(check),
                partition=_partition(run, log, check),
                problems=(own[0] if own else unexplained,),
            ),
            key=occurrence_key(kind, run.run_id, str(check)),
            tags=run.tags,
        )


def _runless(reading: Reading, records: Sequence[dg.EventLogRecord]) -> Found:
    found = Found()
    for record in records:
        event = record.event_log_entry.get_dagster_event()
        evaluation = event.asset_check_evaluation_data
        check, outcome = evaluation.asset_check_key, outcome_of(evaluation)
        alert = Alert(
            event_type=outcome.value,
            severity=outcome.severity,
            at=record.timestamp,
            location=reading.workspace.location_of(check.asset_key.to_user_string())
            or UNKNOWN_LOCATION,
            partition=evaluation.partition or "",
            problems=_problems(evaluation),
            **_about(check),
        )
        key = occurrence_key(outcome, "", str(record.storage_id))
        found.findings.append(Finding(alert=alert, key=key))
        found.recoveries.append(_recovery(check, outcome, record, evaluation.partition or ""))
    return found


RUNLESS_CHECKS = Source(
    name="ASSET_CHECK_EVALUATION without run",
    event_types=tuple(CHECK_OUTCOMES),
    read=events.batches_of(
        partial(events.runless_events, dg.DagsterEventType.ASSET_CHECK_EVALUATION), _runless
    ),
)


def _about(check: dg.AssetCheckKey) -> dict[str, Any]:
    asset = check.asset_key.to_user_string()
    return {"kind": _KIND, "subject": check_name(check), "assets": (asset,)}


def _problems(evaluation: dg.AssetCheckEvaluation) -> tuple[Problem, ...]:
    problem = check_problem(evaluation)
    return (problem,) if problem else ()


def _recovery(
    check: dg.AssetCheckKey, outcome: EventType, record: dg.EventLogRecord, partition: str | None
) -> Recovery:
    """A check has one result at a time: its previous result is over."""
    subject = _about(check)["subject"]
    others = CHECK_OUTCOMES - {outcome, EventType.ASSET_CHECK_PASSED}
    return Recovery.of_subject(
        subject, others, at=record.timestamp, partition=partition, instead=_NOW.get(outcome, "")
    )
