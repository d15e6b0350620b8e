"""Runs that have ended: failed, succeeded or cancelled, with the assets and checks in them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import CHECK_OUTCOMES, EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources.assets import failed_assets
from orchestration_platform.alerts.sources.checks import checks_of_run
from orchestration_platform.alerts.sources.feeds import events
from orchestration_platform.alerts.sources.runs.coverage import Coverage
from orchestration_platform.alerts.sources.runs.facts import (
    is_over_range,
    partition_of,
    run_alert,
)
from orchestration_platform.alerts.sources.runs.failures import problems_of, read_failure
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.partition_ranges import (
    failed_partitions,
    succeeded_partitions,
)
from orchestration_platform.alerts.sources.runs.plan import is_scope_known
from orchestration_platform.alerts.sources.runs.unreadable import unread_failure
from orchestration_platform.alerts.sources.source import Finding, Found, Reading, Source

_LogRecords = Sequence[dg.EventLogRecord]
_Runs = dict[str, dg.RunRecord]


_Take = Callable[[Reading, dg.EventLogEntry, dg.RunRecord | None], Found]


def _ended_runs(
    status: dg.DagsterEventType, event_types: Sequence[EventType], take: _Take
) -> Source:
    """Read the runs that reached ``status`` and pass each of them to ``take``."""

    def read(reading: Reading, records: _LogRecords) -> Found:
        new, runs = _new(reading, records)
        found = Found()
        for record in new:
            run = runs.get(record.run_id)
            with reading.memory.unreadable.reading(record.run_id) as attempt:
                attempt.found = take(reading, record.event_log_entry, run)
            if attempt.found is not None:
                found.add(attempt.found)
            elif status is dg.DagsterEventType.RUN_FAILURE:
                alert = unread_failure(record.event_log_entry, run, attempt.problem)
                found.findings.append(_failure(alert, run))
            found.read_runs.append(record.run_id)
        return found

    feed = partial(events.run_status_changes, status)
    return Source(status.value, event_types, events.batches_of(feed, read))


def _failed(reading: Reading, entry: dg.EventLogEntry, run: dg.RunRecord | None) -> Found:
    log, found = reading.log_of(entry.run_id), Found()
    alert = read_failure(entry, run, log, reading.successes)
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


def _succeeded(reading: Reading, entry: dg.EventLogEntry, run: dg.RunRecord | None) -> Found:
    ended_at, found = entry.timestamp, Found()
    if run is None:
        return found
    log = reading.log_of(entry.run_id)
    if reading.wants(_PUT_RIGHT):
        found.recoveries += _put_right(reading, run, log, ended_at)
    if EventType.JOB_SUCCESS in reading.reported:
        found.findings.append(_good_news(run, log, ended_at))
    _add_checks(reading, run, log, ended_at, found)
    return found


def _cancelled(reading: Reading, entry: dg.EventLogEntry, run: dg.RunRecord | None) -> Found:
    found = Found()
    if run is not None:
        log = reading.log_of(entry.run_id)
        # a cancelled run has not failed
        _add_checks(reading, run, log, entry.timestamp, found, is_whole=False)
    return found


FAILED_RUNS = _ended_runs(dg.DagsterEventType.RUN_FAILURE, tuple(EventType), _failed)
SUCCEEDED_RUNS = _ended_runs(dg.DagsterEventType.RUN_SUCCESS, _SUCCESS_KINDS, _succeeded)
CANCELLED_RUNS = _ended_runs(dg.DagsterEventType.RUN_CANCELED, tuple(CHECK_OUTCOMES), _cancelled)


def _new(reading: Reading, records: _LogRecords) -> tuple[_LogRecords, _Runs]:
    """Return the records that were not read before, and the runs that they belong to."""
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


def _good_news(record: dg.RunRecord, log: RunLog, ended_at: float) -> Finding:
    run = record.dagster_run
    alert = run_alert(
        EventType.JOB_SUCCESS,
        run,
        at=ended_at,
        started_at=record.start_time,
        plan=None if is_scope_known(run) else log.plan_of(run),
    )
    return Finding(alert=alert, key=run.run_id, tags=run.tags)


def _put_right(
    reading: Reading, record: dg.RunRecord, log: RunLog, ended_at: float
) -> list[Recovery]:
    """Return what a successful run ends."""
    run = record.dagster_run
    coverage = Coverage(reading.instance, record, reading.memory.plans)
    if any(kind in reading.open for kind in _PUT_RIGHT):
        coverage.read()
    success = Recovery(
        event_types=(EventType.JOB_FAILURE,),
        puts_right=coverage.covers,
        partitions=succeeded_partitions(run, log),
        # the run does not end a failure that happened while it was running
        since=record.start_time or ended_at,
        at=ended_at,
    )
    if not is_over_range(run.tags):
        return [success]
    # for single partitions, and for a known range, the materialisations report it
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
    found: Found,
    *,
    is_whole: bool = True,
) -> None:
    if reading.wants(CHECK_OUTCOMES):
        found.add(checks_of_run(run, log, at=at, is_whole=is_whole))
