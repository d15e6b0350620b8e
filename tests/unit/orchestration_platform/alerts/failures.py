"""Failures as they are read from the event log, made by hand."""

from typing import Any

from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity

# They differ in more than a number, which two failures of one kind may differ in.
WORDS = [
    "alpha",
    "bravo",
    "cedar",
    "delta",
    "eagle",
    "frost",
    "grain",
    "house",
    "inlet",
    "juice",
    "knoll",
    "lemon",
]


def failure(number: int = 0, **changes: Any) -> Alert:
    step = {
        "step": changes.pop("step", "load"),
        "error_class": changes.pop("error_class", "ValueError"),
        "message": changes.pop("message", "it is bad"),
        "place": "jobs.py:1 in load",
        "trace": changes.pop("trace", "a trace"),
    }
    values: dict[str, Any] = {
        "event_type": "JOB_FAILURE",
        "severity": Severity.ERROR,
        "kind": "Job",
        "run_id": f"run-{number}",
        "at": 1_000_000.0 + number,
        "location": "shop",
        "job_name": "nightly",
        "subject": "nightly",
        "assets": (),
        "partition": "",
        "backfill": "",
        "launched_by": "schedule nightly",
        "parent": "",
        "attempt": 1,
        "duration_seconds": 3.0,
        "problems": (Problem(**step),),
        "more_problems": 0,
    }
    return Alert(**{**values, **changes})
