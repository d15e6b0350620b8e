"""Notifications for services, made by hand."""

from typing import Any

from tests.unit.orchestration_platform.alerts.failures import failure

from orchestration_platform.alerts.messages.head import head_message
from orchestration_platform.alerts.messages.message import Incident
from orchestration_platform.alerts.messages.thread import recovery_entry, repeat_entry, trace_entry
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt

UI = "https://dagster.example.com"


def incident(**changes: Any) -> Incident:
    recovered_at = changes.pop("recovered_at", None)
    reported = failure(**changes)
    return Incident(first=reported, latest=reported, occurrences=2, recovered_at=recovered_at)


def notification(key: str = "k1", **changes: Any) -> Notification:
    """The message of an incident."""
    is_plain = changes.pop("is_plain", False)
    message = head_message(incident(**changes), environment="production", ui_url=UI)
    return Notification(key=key, incident_key="k1", message=message, is_plain=is_plain)


def added(
    kind: str, key: str = "k2", thread: Receipt | None = None, **changes: Any
) -> Notification:
    """An entry: trace, repeat or recovery."""
    reported = incident(**changes)
    entries = {
        "trace": trace_entry(reported.first),
        "repeat": repeat_entry(reported.first, 2, ui_url=UI),
        "recovery": recovery_entry(reported),
    }
    message = head_message(reported, environment="production", ui_url=UI)
    return Notification(
        key=key, incident_key="k1", message=message, entry=entries[kind], thread=thread
    )
