"""Runs that have ended: failed, succeeded or cancelled, with the assets and checks in them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import dagster as dg

from orchestration_platform.alerts import event_feed
from orchestration_platform.alerts.alert import Alert
from orchestration_platform.alerts.event_types import CHECK_OUTCOMES, EventType
from orchestration_platform.alerts.run_facts import (
    LastSuccesses,
    location_of,
    partition_of,
    run_alert,
)
from orchestration_platform.alerts.run_failures import problems_of, read_failure
from orchestration_platform.alerts.watched.assets import failed_assets
from orchestration_platform.alerts.watched.checks import checks_of_run
from orchestration_platform.alerts.watched.run_log import RunLog
from orchestration_platform.alerts.watched.source import Batch, Finding, Reading, Recovery, Source

_LogRecords = Sequence[dg.EventLogRecord]
_Runs = dict[str, dg.RunRecord]


@dataclass
class _Found:
    """What a page of ended runs comes to."""

    findings: list[Finding] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)


def _ended_runs(
    reading: Reading,
    marks: str | None,
    *,
    status: dg.DagsterEventType,
    take: Callable[[Reading, _LogRecords, _Runs, _Found], None],
    is_wanted: bool = True,
) -> Iterator[Batch]:
    """Batches of what ``take`` makes of the runs that have come to ``status``, page by page."""
    feed = event_feed.run_status_changes(reading.instance, status)
    for records, position in event_feed.pages(feed, marks, now=reading.now):
        new, runs = _new(reading, records) if is_wanted else ([], {})
        found = _Found()
        take(reading, new, runs, found)
        yield Batch(
            expected=marks,
            position=position,
            findings=found.findings,
            recoveries=found.recoveries,
            read_runs=[record.run_id for record in new],
        )
        marks = position


def _read_failures(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(reading, marks, status=dg.DagsterEventType.RUN_FAILURE, take=_take_failures)


def _take_failures(reading: Reading, new: _LogRecords, runs: _Runs, found: _Found) -> None:
    successes = LastSuccesses(reading.instance)
    for record in new:
        entry, run = record.event_log_entry, runs.get(record.run_id)
        log = RunLog(reading.instance, record.run_id)
        alert = read_failure(reading.instance, entry, run, log, successes)
        found.findings.append(_failure(alert, run))
        if run is None:
            continue
        if reading.wants([EventType.ASSET_MATERIALIZATION_FAILURE]):
            problems = problems_of(entry, log)
            found.findings += failed_assets(run, log, at=entry.timestamp, whole=problems[0])
        _add_checks(reading, run, log, entry.timestamp, found)


_SUCCESS_KINDS = (EventType.JOB_SUCCESS, EventType.JOB_FAILURE, *CHECK_OUTCOMES)


def _read_successes(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(
        reading,
        marks,
        status=dg.DagsterEventType.RUN_SUCCESS,
        take=_take_successes,
        is_wanted=reading.wants(_SUCCESS_KINDS),
    )


def _take_successes(reading: Reading, new: _LogRecords, runs: _Runs, found: _Found) -> None:
    for record in new:
        ended_at, run = record.event_log_entry.timestamp, runs.get(record.run_id)
        if run is None:
            continue
        found.recoveries.append(_success(run, ended_at))
        if EventType.JOB_SUCCESS in reading.told:
            found.findings.append(_good_news(run, ended_at))
        _add_checks(reading, run, RunLog(reading.instance, record.run_id), ended_at, found)


def _read_cancelled(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(
        reading, marks, status=dg.DagsterEventType.RUN_CANCELED, take=_take_cancelled
    )


def _take_cancelled(reading: Reading, new: _LogRecords, runs: _Runs, found: _Found) -> None:
    for record in new:
        run = runs.get(record.run_id)
        if run is not None:
            log = RunLog(reading.instance, record.run_id)
            at = record.event_log_entry.timestamp
            # what was cancelled has not failed
            _add_checks(reading, run, log, at, found, is_whole=False)


FAILED_RUNS = Source(
    name=dg.DagsterEventType.RUN_FAILURE.value,
    event_types=tuple(EventType),
    read=_read_failures,
)
SUCCEEDED_RUNS = Source(
    name=dg.DagsterEventType.RUN_SUCCESS.value,
    event_types=_SUCCESS_KINDS,
    read=_read_successes,
)
CANCELLED_RUNS = Source(
    name=dg.DagsterEventType.RUN_CANCELED.value,
    event_types=tuple(CHECK_OUTCOMES),
    read=_read_cancelled,
)


def _new(reading: Reading, records: _LogRecords) -> tuple[_LogRecords, _Runs]:
    """The records that were not had before, and the runs that they are of."""
    known = reading.already_read([record.run_id for record in records]) if records else set()
    new = [record for record in records if record.run_id not in known]
    if not new:
        return [], {}
    wanted = dg.RunsFilter(run_ids=[record.run_id for record in new])
    found = reading.instance.get_run_records(wanted)
    return new, {record.dagster_run.run_id: record for record in found}


def _failure(alert: Alert, run: dg.RunRecord | None) -> Finding:
    return Finding(
        alert=alert,
        key=alert.run_id,
        parent_key=alert.parent,
        tags=dict(run.dagster_run.tags) if run else {},
    )


def _good_news(record: dg.RunRecord, ended_at: float) -> Finding:
    run = record.dagster_run
    alert = run_alert(EventType.JOB_SUCCESS, run, at=ended_at, started_at=record.start_time)
    return Finding(alert=alert, key=run.run_id, tags=run.tags)


def _success(record: dg.RunRecord, ended_at: float) -> Recovery:
    run = record.dagster_run
    location = location_of(run)
    assets = frozenset(key.to_user_string() for key in run.asset_selection or ())

    def puts_right(failure: Alert) -> bool:
        if failure.location != location:
            return False
        if failure.subject == failure.job_name:
            return run.job_name == failure.job_name
        return bool(assets) and failure.failed_assets <= assets

    return Recovery(
        event_types=(EventType.JOB_FAILURE,),
        puts_right=puts_right,
        partition=partition_of(run.tags),
        # a failure while it ran is not put right by it
        since=record.start_time or ended_at,
        at=ended_at,
    )


def _add_checks(
    reading: Reading,
    run: dg.RunRecord,
    log: RunLog,
    at: float,
    found: _Found,
    *,
    is_whole: bool = True,
) -> None:
    if reading.wants(CHECK_OUTCOMES):
        findings, passed = checks_of_run(run, log, at=at, is_whole=is_whole)
        found.findings += findings
        found.recoveries += passed
