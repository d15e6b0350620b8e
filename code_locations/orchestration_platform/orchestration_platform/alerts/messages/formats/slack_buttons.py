"""The buttons below a message in Slack, by which people act on its incident."""

from enum import StrEnum
from typing import Any

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.message import Message


class Button(StrEnum):
    """What a button does: the ``action_id`` by which Slack names it when somebody presses it."""

    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"
    MUTE = "mute_1h"


_LABELS = {
    Button.ACKNOWLEDGE: "Acknowledge",
    Button.RESOLVE: "Resolve",
    Button.MUTE: "Mute 1 h",
}


def button_blocks(message: Message, *, key: str) -> list[dict[str, Any]]:
    """Return the block of buttons; none for good news, and for what is over.

    Args:
        message: the message of the incident.
        key: comes back when somebody presses a button, to find the incident.
    """
    if message.recovered_at is not None or message.severity is Severity.INFO:
        return []
    return [{"type": "actions", "elements": [_button(one, key) for one in Button]}]


def _button(button: Button, key: str) -> dict[str, Any]:
    found = {
        "type": "button",
        "action_id": button.value,
        "text": _plain(_LABELS[button]),
        "value": key,
    }
    if button is Button.RESOLVE:
        # it reports a recovery to everybody, and a thumb slips
        found["confirm"] = {
            "title": _plain("Resolve the incident?"),
            "text": _plain("It counts as over, and everybody who was notified of it reads that."),
            "confirm": _plain("Resolve"),
            "deny": _plain("Cancel"),
        }
    return found


def _plain(text: str) -> dict[str, str]:
    return {"type": "plain_text", "text": text}
