"""What is told of a failed run."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from orchestration_platform.alerts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.user_errors import UserError, innermost
from shared_lib.secrets import redact

UNKNOWN_LOCATION = "(no code location)"

# Steps of one run that are looked at; the message says how many more there were.
_KEPT_STEPS = 10
_INTERNAL_JOB = "__"
_TAG = "dagster/"

# What the executor says of a step whose process has died without an error of its own.
_STEP_DEATH = "ChildProcessCrashException"

# What is said of a run that has died without leaving an error. A reason that is not listed is
# named as Dagster does.
_DEATHS = {
    "UNEXPECTED_TERMINATION": "the run's process ended without a word: killed or out of memory",
    "START_TIMEOUT": "the run did not start in time",
    "RUN_WORKER_RESTART": "the process of the run was started anew and cannot go on",
    "JOB_INITIALIZATION_FAILURE": "the job could not be loaded",
}


def read_failure(
    instance: dg.DagsterInstance, entry: dg.EventLogEntry, record: dg.RunRecord | None
) -> Alert:
    """What the event log and the run's record say of the failure that ``entry`` reports."""
    run = record.dagster_run if record else None
    tags = run.tags if run else {}
    assets = tuple(sorted(key.to_user_string() for key in (run and run.asset_selection) or ()))
    steps = _steps(instance, entry)
    started = record.start_time if record else None
    return Alert(
        run_id=entry.run_id,
        at=entry.timestamp,
        location=location_of(run),
        event_type="JOB_FAILURE",
        severity=Severity.ERROR,
        kind=kind_of(entry.job_name or "", assets),
        job_name=entry.job_name or (run.job_name if run else ""),
        subject=subject_of(entry.job_name or "", assets),
        assets=assets,
        partition=partition_of(tags),
        backfill=tags.get(f"{_TAG}backfill", ""),
        launched_by=_launched_by(tags),
        parent=tags.get(f"{_TAG}parent_run_id", "") if f"{_TAG}retry_number" in tags else "",
        attempt=int(tags.get(f"{_TAG}retry_number", "0")) + 1,
        duration_seconds=max(entry.timestamp - started, 0.0) if started else None,
        problems=tuple(steps[:_KEPT_STEPS]),
        more_problems=max(len(steps) - _KEPT_STEPS, 0),
    )


def location_of(run: dg.DagsterRun | None) -> str:
    """The code location of ``run``; a run that a program executed itself has none."""
    origin = run.remote_job_origin if run else None
    return origin.location_name if origin else UNKNOWN_LOCATION


def subject_of(job_name: str, assets: Sequence[str]) -> str:
    """What people call it: the job, or the assets where the job is Dagster's own."""
    return ", ".join(assets) if job_name.startswith(_INTERNAL_JOB) and assets else job_name


def kind_of(job_name: str, assets: Sequence[str]) -> str:
    """What the subject is, in people's words."""
    return "Assets" if job_name.startswith(_INTERNAL_JOB) and assets else "Job"


def partition_of(tags: Any) -> str:
    """The run's partition: its key, or first...last of a range."""
    first = tags.get(f"{_TAG}asset_partition_range_start")
    last = tags.get(f"{_TAG}asset_partition_range_end")
    return f"{first}...{last}" if first and last else tags.get(f"{_TAG}partition", "")


def _launched_by(tags: Any) -> str:
    for tag, kind in (("schedule_name", "schedule"), ("sensor_name", "sensor")):
        if f"{_TAG}{tag}" in tags:
            return f"{kind} {tags[f'{_TAG}{tag}']}"
    if "user" in tags:
        return str(tags["user"])
    return "backfill" if f"{_TAG}backfill" in tags else "by hand"


def _steps(instance: dg.DagsterInstance, entry: dg.EventLogEntry) -> list[Problem]:
    found: dict[str, Problem] = {}
    records = instance.get_records_for_run(
        entry.run_id, of_type=dg.DagsterEventType.STEP_FAILURE
    ).records
    for event in _events(records):
        data = event.step_failure_data
        if data.error:
            found[event.step_key or ""] = _failed(event.step_key or "", innermost(data.error))
    return list(found.values()) or [_death(entry)]


def _events(records: Iterable[dg.EventLogRecord]) -> Iterable[dg.DagsterEvent]:
    return (record.event_log_entry.get_dagster_event() for record in records)


def _failed(step: str, error: UserError) -> Problem:
    return Problem(
        step=step,
        error_class=error.error_class,
        message=(
            "the step's process ended without a word: killed or out of memory"
            if error.error_class == _STEP_DEATH
            else error.message
        ),
        place=error.place,
        trace=error.trace,
    )


def _death(entry: dg.EventLogEntry) -> Problem:
    """The failure of a run of which no step failed."""
    event = entry.get_dagster_event()
    data = event.job_failure_data
    if data.error:
        return _failed("", innermost(data.error))
    reason = data.failure_reason.value if data.failure_reason else "UNKNOWN"
    said = redact((event.message or "").strip())
    known = _DEATHS.get(reason, "")
    text = f"{known} ({said})" if known and said else known or said or "no error was recorded"
    return Problem(step="", error_class=reason, message=text, place="", trace="")
