"""Runs that take longer than a policy allows.

The position holds the runs that were reported, and the longest threshold that each has passed.
"""

from collections.abc import Iterator, Sequence

import dagster as dg

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.sources import ongoing
from orchestration_platform.alerts.sources.runs.facts import attempts_of, run_alert
from orchestration_platform.alerts.sources.source import (
    Batch,
    Finding,
    Reading,
    Source,
    occurrence_key,
)

_KIND = EventType.JOB_LONG_RUNNING
# A run in the queue has not been given to a worker, so it cannot take too long.
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
    known = ongoing.known_at(marks)
    running = {
        record.dagster_run.run_id: record
        for record in reading.instance.get_run_records(dg.RunsFilter(statuses=_IN_PROGRESS))
    }
    reported = {run_id: entry for run_id, entry in known.items() if run_id in running}
    findings: dict[str, Finding] = {}
    for run_id, record in running.items():
        ran = reading.now - _since(record)
        passed = max((limit for limit in reading.thresholds if limit <= ran), default=0.0)
        if passed > reported.get(run_id, {}).get("passed", 0.0):
            findings[run_id] = _finding(reading, record, passed)
            alert = findings[run_id].alert
            reported[run_id] = {
                "passed": passed, "location": alert.location, "subject": alert.subject
            }  # fmt: skip
    ends = _ends(reading, [run_id for run_id in known if run_id not in running])

    goes_on = [(entry["location"], entry["subject"]) for entry in reported.values()]

    def over(run_id: str) -> Recovery | None:
        location, subject = known[run_id]["location"], known[run_id]["subject"]
        if (location, subject) in goes_on:
            return None
        instead = ends[run_id]
        return Recovery.of_subject(
            subject, (_KIND,), at=reading.now, instead=instead, location=location
        )

    yield ongoing.changes(marks, reported, begun=findings.__getitem__, over=over)


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
            last_success_at=reading.successes.of(run),
            problems=(problem,),
        ),
        key=occurrence_key(_KIND, run.run_id),
        tags=run.tags,
    )


def _since(record: dg.RunRecord) -> float:
    """Return when the run started, or began to start: time in the queue does not count."""
    return record.start_time or record.update_timestamp.timestamp()


def _ends(reading: Reading, run_ids: Sequence[str]) -> dict[str, str]:
    """Return how each run ended, in words unless it succeeded."""
    if not run_ids:
        return {}
    records = reading.instance.get_run_records(dg.RunsFilter(run_ids=list(run_ids)))
    ends = {
        record.dagster_run.run_id: _WORDS.get(record.dagster_run.status, "") for record in records
    }
    return dict.fromkeys(run_ids, "its run was deleted") | ends
