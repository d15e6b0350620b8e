"""Runs that have ended: failed, succeeded or cancelled, with the assets and checks in them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import CHECK_OUTCOMES, EventType
from orchestration_platform.alerts.sources import event_feed
from orchestration_platform.alerts.sources.assets import failed_assets
from orchestration_platform.alerts.sources.checks import checks_of_run
from orchestration_platform.alerts.sources.coverage import Coverage
from orchestration_platform.alerts.sources.partition_ranges import (
    failed_partitions,
    succeeded_partitions,
)
from orchestration_platform.alerts.sources.run_facts import (
    LastSuccesses,
    is_over_range,
    partition_of,
    run_alert,
)
from orchestration_platform.alerts.sources.run_failures import problems_of, read_failure
from orchestration_platform.alerts.sources.run_log import RunLog
from orchestration_platform.alerts.sources.run_plan import is_selection_known, plan_of
from orchestration_platform.alerts.sources.source import Batch, Finding, Reading, Recovery, Source
from orchestration_platform.alerts.sources.unreadable_runs import reading_run, unread_failure

_LogRecords = Sequence[dg.EventLogRecord]
_Runs = dict[str, dg.RunRecord]


@dataclass
class _Found:
    """What ended runs come to."""

    findings: list[Finding] = field(default_factory=list)
    recoveries: list[Recovery] = field(default_factory=list)

    def add(self, other: "_Found") -> None:
        """What another run comes to, too."""
        self.findings += other.findings
        self.recoveries += other.recoveries


_Take = Callable[[Reading, dg.EventLogRecord, dg.RunRecord | None, LastSuccesses], _Found]


def _ended_runs(
    reading: Reading,
    marks: str | None,
    *,
    status: dg.DagsterEventType,
    take: _Take,
    is_wanted: bool = True,
) -> Iterator[Batch]:
    """Batches of what ``take`` makes of the runs that have come to ``status``, page by page."""
    feed = event_feed.run_status_changes(reading.instance, status)
    for records, position in event_feed.pages(feed, marks, now=reading.now):
        new, runs = _new(reading, records) if is_wanted else ([], {})
        found, successes = _Found(), LastSuccesses(reading.instance)
        for record in new:
            run = runs.get(record.run_id)
            with reading_run(record.run_id) as attempt:
                attempt.found = take(reading, record, run, successes)
            if attempt.found is not None:
                found.add(attempt.found)
            elif status is dg.DagsterEventType.RUN_FAILURE:
                alert = unread_failure(record.event_log_entry, run, attempt.problem)
                found.findings.append(_failure(alert, run))
        yield Batch(
            expected=marks,
            position=position,
            findings=found.findings,
            recoveries=found.recoveries,
            read_runs=[record.run_id for record in new],
        )
        marks = position


def _read_failures(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(reading, marks, status=dg.DagsterEventType.RUN_FAILURE, take=_failed)


def _failed(
    reading: Reading,
    record: dg.EventLogRecord,
    run: dg.RunRecord | None,
    successes: LastSuccesses,
) -> _Found:
    entry, log, found = record.event_log_entry, RunLog(reading.instance, record.run_id), _Found()
    alert = read_failure(reading.instance, entry, run, log, successes)
    if run is None:
        found.findings.append(_failure(alert, run))
        return found
    alert = replace(alert, partitions=failed_partitions(run.dagster_run, log))
    found.findings.append(_failure(alert, run))
    if reading.wants([EventType.ASSET_MATERIALIZATION_FAILURE]):
        problems = problems_of(entry, log)
        found.findings += failed_assets(run, log, at=entry.timestamp, whole=problems[0])
    _add_checks(reading, run, log, entry.timestamp, found)
    return found


_PUT_RIGHT = (EventType.JOB_FAILURE, EventType.ASSET_MATERIALIZATION_FAILURE)
_SUCCESS_KINDS = (EventType.JOB_SUCCESS, *_PUT_RIGHT, *CHECK_OUTCOMES)


def _read_successes(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(
        reading,
        marks,
        status=dg.DagsterEventType.RUN_SUCCESS,
        take=_succeeded,
        is_wanted=reading.wants(_SUCCESS_KINDS),
    )


def _succeeded(
    reading: Reading,
    record: dg.EventLogRecord,
    run: dg.RunRecord | None,
    _successes: LastSuccesses,
) -> _Found:
    ended_at, found = record.event_log_entry.timestamp, _Found()
    if run is None:
        return found
    log = RunLog(reading.instance, record.run_id)
    if reading.wants(_PUT_RIGHT):
        found.recoveries += _put_right(reading, run, log, ended_at)
    if EventType.JOB_SUCCESS in reading.told:
        found.findings.append(_good_news(reading.instance, run, ended_at))
    _add_checks(reading, run, log, ended_at, found)
    return found


def _read_cancelled(reading: Reading, marks: str | None) -> Iterator[Batch]:
    return _ended_runs(reading, marks, status=dg.DagsterEventType.RUN_CANCELED, take=_cancelled)


def _cancelled(
    reading: Reading,
    record: dg.EventLogRecord,
    run: dg.RunRecord | None,
    _successes: LastSuccesses,
) -> _Found:
    found = _Found()
    if run is not None:
        log = RunLog(reading.instance, record.run_id)
        # what was cancelled has not failed
        at = record.event_log_entry.timestamp
        _add_checks(reading, run, log, at, found, is_whole=False)
    return found


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


def _good_news(instance: dg.DagsterInstance, record: dg.RunRecord, ended_at: float) -> Finding:
    run = record.dagster_run
    alert = run_alert(
        EventType.JOB_SUCCESS,
        run,
        at=ended_at,
        started_at=record.start_time,
        plan=None if is_selection_known(run) else plan_of(instance, run),
    )
    return Finding(alert=alert, key=run.run_id, tags=run.tags)


def _put_right(
    reading: Reading, record: dg.RunRecord, log: RunLog, ended_at: float
) -> list[Recovery]:
    """What a run that has succeeded puts right."""
    run = record.dagster_run
    coverage = Coverage(reading.instance, record)
    if any(kind in reading.open for kind in _PUT_RIGHT):
        coverage.read()
    success = Recovery(
        event_types=(EventType.JOB_FAILURE,),
        puts_right=coverage.covers,
        partitions=succeeded_partitions(run, log),
        # a failure while it ran is not put right by it
        since=record.start_time or ended_at,
        at=ended_at,
    )
    if not is_over_range(run.tags):
        return [success]
    # of single partitions, and of a range that is known, the materialisations tell
    made = replace(
        success,
        event_types=(EventType.ASSET_MATERIALIZATION_FAILURE,),
        puts_right=lambda failure: failure.subject in coverage.assets,
        partitions=frozenset({partition_of(run.tags)}),
    )
    return [success, made]


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
