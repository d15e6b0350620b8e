"""What was written down of an alert, also where this release cannot read it.

One row that another release has written, or somebody has changed by hand, must not keep all others
waiting: what the row's own columns say is told instead.
"""

from typing import Any

from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.facts.event_types import EventType

# What comes of text that is no JSON, or is the JSON of something else.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


def first_of(row: Any) -> Alert:
    """With what the incident of ``row`` began."""
    return _read(row, row["facts"], at=row["first_at"])


def latest_of(row: Any) -> Alert:
    """What has happened last in the incident of ``row``."""
    return _read(row, row["latest"], at=row["last_at"])


def _read(row: Any, text: str, *, at: float) -> Alert:
    try:
        return Alert.from_json(text)
    except UNREADABLE as error:
        event_type = row["event_type"]
        is_known = event_type in list(EventType)
        return Alert(
            event_type=event_type,
            severity=EventType(event_type).severity if is_known else Severity.ERROR,
            kind="Subject",
            subject=row["subject"],
            # of a job, by which it is put right
            job_name=row["subject"] if event_type.startswith("JOB_") else "",
            at=at,
            location=row["location"],
            problems=(unreadable_problem(error),),
        )


def unreadable_problem(error: Exception) -> Problem:
    """What is told instead of what cannot be read."""
    said = "more was written down of it, which this release cannot read"
    return Problem("", type(error).__name__, said, "", "")
