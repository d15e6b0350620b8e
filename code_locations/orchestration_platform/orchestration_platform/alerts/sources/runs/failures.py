"""What is reported about a failed run."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert, Problem
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.user_errors import innermost
from orchestration_platform.alerts.sources.runs.check_results import check_name, check_problem
from orchestration_platform.alerts.sources.runs.dbt_failures import dbt_problems
from orchestration_platform.alerts.sources.runs.facts import (
    LastSuccesses,
    attempts_of,
    is_internal,
    kind_of,
    run_alert,
    subject_of,
    without_internal_job,
)
from orchestration_platform.alerts.sources.runs.failure_metadata import details_of
from orchestration_platform.alerts.sources.runs.log import RunLog
from orchestration_platform.alerts.sources.runs.plan import is_scope_known
from shared_lib.secrets import redact

# How many problems of one run are reported; the message says how many more there were.
_KEPT_PROBLEMS = 50

# What the executor reports for a step whose process died without an error of its own.
_STEP_DEATH = "ChildProcessCrashException"

# What is reported for a run that died without leaving an error. A reason that is not listed keeps
# Dagster's name.
_DEATHS = {
    "UNEXPECTED_TERMINATION": "the run's process ended without an error message: "
    "killed or out of memory",
    "START_TIMEOUT": "the run did not start in time",
    "RUN_WORKER_RESTART": "the process of the run was restarted and cannot continue",
    "JOB_INITIALIZATION_FAILURE": "the job could not be loaded",
}
# What the code server reports about a run's process, without a reason, before it marks the run as
# failed.
_PROCESS_END = re.compile(r"Run execution process for \S+ (?P<how>[^.]+)")
_UNKNOWN = "UNKNOWN"
_LAST_EVENTS = 3


def read_failure(
    entry: dg.EventLogEntry, record: dg.RunRecord | None, log: RunLog, successes: LastSuccesses
) -> Alert:
    """Return what the event log and the run's record say about the failure in ``entry``.

    Args:
        entry: the failure event of the run.
        record: the run, unless it was deleted.
        log: the log of the run.
        successes: when the jobs and assets of the runs in this pass last succeeded.
    """
    found = problems_of(entry, log)
    problems = tuple(found[:_KEPT_PROBLEMS])
    more = max(len(found) - _KEPT_PROBLEMS, 0)
    kind = EventType.JOB_FAILURE
    if record is None:
        # the record was deleted, the events were not
        job_name = entry.job_name or ""
        assets = log.named_assets if is_internal(job_name) else ()
        return Alert(
            event_type=kind.value,
            severity=kind.severity,
            kind=kind_of(job_name),
            subject=subject_of(job_name, assets),
            at=entry.timestamp,
            location=UNKNOWN_LOCATION,
            run_id=entry.run_id,
            job_name=job_name,
            assets=assets,
            problems=problems,
            more_problems=more,
        )
    run = record.dagster_run
    return run_alert(
        kind,
        run,
        at=entry.timestamp,
        started_at=record.start_time,
        plan=None if is_scope_known(run) else log.plan_of(run),
        attempts=attempts_of(log.instance, run.tags),
        last_success_at=successes.of(run),
        problems=problems,
        more_problems=more,
    )


def problems_of(entry: dg.EventLogEntry, log: RunLog) -> list[Problem]:
    """Return what went wrong in the run whose failure ``entry`` reports."""
    found = [problem for event in log.failed_steps for problem in _of_step(event, log)]
    found = [*(found or [_death(entry, log)]), *_failed_checks(log)]
    job_name = entry.job_name or ""
    return [without_internal_job(problem, job_name) for problem in found]


def _failed_checks(log: RunLog) -> list[Problem]:
    """Return the failed checks of the run, to list below the failure of the run itself."""
    found: list[Problem] = []
    for record in log.check_evaluations:
        evaluation = record.event_log_entry.get_dagster_event().asset_check_evaluation_data
        problem = check_problem(evaluation, step=check_name(evaluation.asset_check_key))
        if problem:
            found.append(problem)
    return found


def step_problem(event: dg.DagsterEvent, log: RunLog) -> Problem:
    """Return the failure of a step, with what its author attached."""
    step, error = event.step_key or "", event.step_failure_data.error
    if error is None:
        found = Problem(step, "Failure", redact(event.message or ""), "", "")
    else:
        found = _without_crash(innermost(error, step=step))
    return replace(found, attempts=log.retries[step] + 1, details=details_of(_metadata(event)))


def _of_step(event: dg.DagsterEvent, log: RunLog) -> Sequence[Problem]:
    """Return the failure of a step, or for a step that ran dbt, the failures in it."""
    whole = step_problem(event, log)
    return dbt_problems(whole, _metadata(event)) or [whole]


def _metadata(event: dg.DagsterEvent) -> Mapping[str, Any]:
    reported = event.step_failure_data.user_failure_data
    return reported.metadata if reported else {}


def _without_crash(problem: Problem) -> Problem:
    """Return ``problem``, in plain words if the step's process died."""
    if problem.error_class != _STEP_DEATH:
        return problem
    text = "the step's process ended without an error message: killed or out of memory"
    return replace(problem, message=text)


def _death(entry: dg.EventLogEntry, log: RunLog) -> Problem:
    """Return the failure of a run in which no step failed."""
    event = entry.get_dagster_event()
    # missing if something outside the run marked it as failed
    data: Any = event.event_specific_data
    if data is not None and data.error:
        return _without_crash(innermost(data.error))
    reason = data.failure_reason.value if data is not None and data.failure_reason else _UNKNOWN
    note = redact((event.message or "").strip())
    end = _end_of_process(log) if reason == _UNKNOWN else ""
    if end:
        reason, note = "UNEXPECTED_TERMINATION", end
    known = _DEATHS.get(reason, "")
    text = f"{known} ({note})" if known and note else known or note or "no error was recorded"
    return Problem(step="", error_class=reason, message=text, place="", trace="")


def _end_of_process(log: RunLog) -> str:
    """Return how the run's process ended, in Dagster's words; empty if nothing recorded it."""
    found = log.instance.get_records_for_run(
        log.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, limit=_LAST_EVENTS, ascending=False
    )
    texts = [record.event_log_entry.get_dagster_event().message or "" for record in found.records]
    return next((end["how"] for end in map(_PROCESS_END.search, texts) if end), "")
