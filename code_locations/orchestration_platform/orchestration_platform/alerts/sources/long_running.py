"""Runs that take longer than a policy allows.

The position has the runs that were told, and the longest time allowed that each had passed.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.sources.run_facts import LastSuccesses, attempts_of, run_alert
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Reading,
    Recovery,
    Source,
    occurrence_key,
)

_KIND = EventType.JOB_LONG_RUNNING
# A run in the queue has not been given to anybody who could be long about it.
_IN_PROGRESS = [
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]

_WORDS = {
    dg.DagsterRunStatus.FAILURE: "the run has failed",
    dg.DagsterRunStatus.CANCELED: "the run was cancelled",
}


def _read_running(reading: Reading, marks: str | None) -> Iterator[Batch]:
    known: dict[str, dict[str, Any]] = json.loads(marks) if marks else {}
    running = {
        record.dagster_run.run_id: record
        for record in reading.instance.get_run_records(dg.RunsFilter(statuses=_IN_PROGRESS))
    }
    told = {run_id: entry for run_id, entry in known.items() if run_id in running}
    findings: list[Finding] = []
    for run_id, record in running.items():
        ran = reading.now - _since(record)
        passed = max((limit for limit in reading.thresholds if limit <= ran), default=0.0)
        if passed > told.get(run_id, {}).get("passed", 0.0):
            finding = _finding(reading, record, passed)
            findings.append(finding)
            alert = finding.alert
            told[run_id] = {
                "passed": passed, "location": alert.location, "subject": alert.subject
            }  # fmt: skip
    still = {(entry["location"], entry["subject"]) for entry in told.values()}
    gone = [run_id for run_id in known if run_id not in running]
    ends = _ends(reading, gone)
    ended = {
        (known[run_id]["location"], known[run_id]["subject"]): ends.get(run_id, "its run is gone")
        for run_id in gone
    }
    yield Batch(
        expected=marks,
        position=json.dumps(told),
        findings=findings,
        recoveries=[
            _recovery(*which, at=reading.now, instead=ended[which])
            for which in sorted(ended.keys() - still)
        ],
    )


LONG_RUNNING = Source(name="long running", event_types=(_KIND,), read=_read_running)


def _finding(reading: Reading, record: dg.RunRecord, passed: float) -> Finding:
    run = record.dagster_run
    verb = "run" if record.start_time else "been starting"
    problem = Problem("", "long running", f"it has {verb} for more than {passed:g} s", "", "")
    return Finding(
        alert=run_alert(
            _KIND,
            run,
            at=reading.now,
            started_at=_since(record),
            attempts=attempts_of(reading.instance, run.tags),
            last_success_at=LastSuccesses(reading.instance).of(run),
            problems=(problem,),
        ),
        key=occurrence_key(_KIND, run.run_id),
        tags=run.tags,
    )


def _since(record: dg.RunRecord) -> float:
    """When the run has started, or begun to: how long it was queued does not count."""
    return record.start_time or record.update_timestamp.timestamp()


def _ends(reading: Reading, run_ids: Sequence[str]) -> dict[str, str]:
    """What has become of runs, in words where it is not success."""
    if not run_ids:
        return {}
    records = reading.instance.get_run_records(dg.RunsFilter(run_ids=list(run_ids)))
    return {
        record.dagster_run.run_id: _WORDS.get(record.dagster_run.status, "") for record in records
    }


def _recovery(location: str, subject: str, *, at: float, instead: str) -> Recovery:
    def is_meant(failure: Alert) -> bool:
        return (failure.location, failure.subject) == (location, subject)

    return Recovery(
        event_types=(_KIND,),
        puts_right=is_meant,
        partitions=None,
        since=at,
        at=at,
        instead=instead,
    )
