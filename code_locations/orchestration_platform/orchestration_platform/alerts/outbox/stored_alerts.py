"""Reads stored alerts, including those that this release cannot parse.

A row that another release wrote, or someone edited, must not hold up the others: the alert is
rebuilt from the row's own columns instead.
"""

from typing import Any

from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.facts.event_types import EventType

# The errors of parsing text that is not JSON, or not the JSON of an alert.
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError)


def first_of(row: Any) -> Alert:
    """Return the first failure of the incident ``row``."""
    return _read(row, row["facts"], at=row["first_at"])


def latest_of(row: Any) -> Alert:
    """Return the last failure of the incident ``row``."""
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
            # a success of the job ends it
            job_name=row["subject"] if event_type.startswith("JOB_") else "",
            at=at,
            location=row["location"],
            problems=(unreadable_problem(error),),
        )


def unreadable_problem(error: Exception) -> Problem:
    """Return the problem to show for a stored alert that cannot be read."""
    text = "more was stored about it, which this release cannot read"
    return Problem("", type(error).__name__, text, "", "")
