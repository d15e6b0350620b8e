"""A message as the JSON of a signed webhook: data, for programs."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from orchestration_platform.alerts.messages.blocks import shown_traces
from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean
from orchestration_platform.alerts.services.protocol.service import Notification

_LONGEST_TEXT = 20_000


def content(notification: Notification, now: datetime) -> dict[str, Any]:
    """Return what is sent to the receiver."""
    entry = notification.entry
    kind = "opened" if entry is None else entry.kind.value
    data = {"incident": notification.incident_key, **_described(notification.message)}
    if notification.is_plain:
        data = {"incident": notification.incident_key, "summary": data["summary"]}
    if entry is not None:
        data["entry"] = {"kind": kind, "text": _text(one_line(entry.line))}
    return {"type": f"dagster.alert.{kind}", "timestamp": now.isoformat(), "data": data}


def _described(message: Message) -> dict[str, Any]:
    return {
        "event_type": message.event_type,
        "severity": message.severity.value,
        "title": message.title,
        "summary": _text(message.summary),
        "kind": message.kind,
        "subject": _text(message.subject),
        "code_location": message.location,
        "run_id": message.run_id,
        "occurrences": message.occurrences,
        "first_at": _moment(message.first_at),
        "last_at": _moment(message.last_at),
        "recovered_at": _moment(message.recovered_at),
        "instead": _text(message.instead),
        "description": _text(message.description),
        "notes": [_text(note) for note in message.notes],
        "facts": [
            {"label": fact.label, "value": _text(one_line(fact.value))} for fact in message.facts
        ],
        "problems": [
            {
                "name": _text(problem.name),
                "count": problem.count,
                "place": _text(problem.place),
                "error": _text(problem.error),
                "attempts": problem.attempts,
                "details": [asdict(detail) for detail in problem.details],
                "trace": _text(trace),
            }
            for problem, trace in zip(message.problems, shown_traces(message.problems), strict=True)
        ],
        "more_problems": message.more_problems,
        "links": [asdict(link) for link in message.links],
    }


def _text(text: str) -> str:
    return clean(text)[:_LONGEST_TEXT]


def _moment(at: float | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at, UTC).isoformat()
