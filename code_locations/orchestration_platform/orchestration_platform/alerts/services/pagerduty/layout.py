"""A message as an event of PagerDuty's Events API v2, within its limits."""

from datetime import UTC, datetime
from typing import Any

from orchestration_platform.alerts.messages.formats.text import one_line
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean, cut

_LONGEST_SUMMARY = 1024
_LONGEST_DETAIL = 2000
_LONGEST_NAME = 255
_MOST_PROBLEMS = 5
_SOURCE = "dagster"


def trigger(message: Message, *, with_details: bool) -> dict[str, Any]:
    """Return the event that triggers the incident; ``with_details`` adds facts and problems."""
    payload: dict[str, Any] = {
        "summary": _short(message.summary, _LONGEST_SUMMARY),
        "source": _short(message.location) or _SOURCE,
        "severity": message.severity.value,
        "timestamp": datetime.fromtimestamp(message.first_at, UTC).isoformat(),
        "component": _short(message.subject),
        "group": _short(message.location),
        "class": message.event_type,
    }
    if with_details:
        payload["custom_details"] = _details(message)
    links = [{"href": link.url, "text": link.label} for link in message.links]
    return {"payload": payload, "links": links, "client": "Dagster"}


def _details(message: Message) -> dict[str, str]:
    details = {_short(fact.label): one_line(fact.value) for fact in message.facts}
    for problem in message.problems[:_MOST_PROBLEMS]:
        # the models of one dbt step share its name
        name, number = _short(problem.name), 1
        while name in details:
            number += 1
            name = f"{_short(problem.name)} ({number})"
        details[name] = problem.error
    return {name: _short(error, _LONGEST_DETAIL) for name, error in details.items()}


def _short(text: str, limit: int = _LONGEST_NAME) -> str:
    return cut(clean(text), limit)
