"""What a service can do, which decides what it is sent."""

from dataclasses import dataclass
from enum import StrEnum

from orchestration_platform.alerts.messages.thread import EntryKind

WITHOUT_TRACES = frozenset(EntryKind) - {EntryKind.TRACE}
NO_THREADS = "a stack trace belongs into a thread, and there are none"


class Updates(StrEnum):
    """When a message that is there already is brought up to date."""

    ALWAYS = "always"
    RECOVERY = "recovery"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Capabilities:
    """What a service can do.

    Attributes:
        updates: when it changes a message that it has.
        entries: what it takes beside the message of an incident.
        why_not_others: why it takes no other entries.
        can_find: whether it can be asked for a message by its key.
        can_acknowledge: whether people can show there that they have taken it on.
        is_idempotent: whether a message with the same key twice is one message.
        pace: seconds between two calls, so that the service has no reason to complain.
    """

    updates: Updates = Updates.NEVER
    entries: frozenset[EntryKind] = WITHOUT_TRACES
    why_not_others: str = NO_THREADS
    can_find: bool = False
    can_acknowledge: bool = False
    is_idempotent: bool = False
    pace: float
