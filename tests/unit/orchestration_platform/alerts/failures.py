"""Failures as they are read from the event log, made by hand."""

from typing import Any

from orchestration_platform.alerts.run_failures import FailedStep, RunFailure


def failure(number: int = 0, **changes: Any) -> RunFailure:
    step = {
        "step": changes.pop("step", "load"),
        "error_class": changes.pop("error_class", "ValueError"),
        "message": changes.pop("message", "it is bad"),
        "place": "jobs.py:1 in load",
        "trace": changes.pop("trace", "a trace"),
    }
    values: dict[str, Any] = {
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
        "steps": (FailedStep(**step),),
        "more_steps": 0,
    }
    return RunFailure(**{**values, **changes})
