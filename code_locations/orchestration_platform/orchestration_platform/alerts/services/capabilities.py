"""What each service can do, which decides what it is sent."""

from dataclasses import dataclass
from enum import StrEnum

from orchestration_platform.alerts.messages.thread_entry import EntryKind


class Updates(StrEnum):
    """When a message that is there already is brought up to date."""

    ALWAYS = "always"
    RECOVERY = "recovery"
    NEVER = "never"


@dataclass(frozen=True, kw_only=True)
class Abilities:
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

    updates: Updates
    entries: frozenset[EntryKind]
    why_not_others: str = ""
    can_find: bool = False
    can_acknowledge: bool = False
    is_idempotent: bool = False
    pace: float


_ALL = frozenset(EntryKind)
_WITHOUT_TRACES = _ALL - {EntryKind.TRACE}
_NO_THREADS = "a stack trace belongs into a thread, and there are none"

# Who gets the same Message-ID twice shows it once, or shows it below the first.
_EMAIL = Abilities(
    updates=Updates.NEVER,
    entries=_WITHOUT_TRACES,
    why_not_others="the first e-mail has the stack traces",
    is_idempotent=True,
    pace=0.2,
)

_ABILITIES = {
    # A message a second in a channel.
    "slack": Abilities(
        updates=Updates.ALWAYS, entries=_ALL, can_find=True, can_acknowledge=True, pace=1.05
    ),
    "slack_webhook": Abilities(
        updates=Updates.NEVER, entries=_WITHOUT_TRACES, why_not_others=_NO_THREADS, pace=1.05
    ),
    "email": _EMAIL,
    "email_owners": _EMAIL,
    # Four requests a second, and fewer over longer times.
    "microsoft_teams": Abilities(
        updates=Updates.NEVER, entries=_WITHOUT_TRACES, why_not_others=_NO_THREADS, pace=1.0
    ),
    "pagerduty": Abilities(
        updates=Updates.RECOVERY,
        entries=frozenset(),
        why_not_others="PagerDuty knows triggered and resolved",
        is_idempotent=True,
        pace=0.5,
    ),
    "webhook": Abilities(
        updates=Updates.NEVER,
        entries=_WITHOUT_TRACES,
        why_not_others="the first message has the stack traces",
        is_idempotent=True,
        pace=0.2,
    ),
    "log": Abilities(
        updates=Updates.NEVER, entries=_WITHOUT_TRACES, why_not_others=_NO_THREADS, pace=0.0
    ),
}


def abilities_of(destination: str) -> Abilities:
    """Of the service that ``destination`` begins with.

    Raises:
        ValueError: the text is of no service.
    """
    name = destination.partition(":")[0]
    if name not in _ABILITIES:
        raise ValueError(
            f"{destination!r} is no destination, it begins with one of: {', '.join(_ABILITIES)}"
        )
    return _ABILITIES[name]


def services_that(updates: Updates) -> list[str]:
    """Names of the services that bring messages up to date so."""
    return [name for name, abilities in _ABILITIES.items() if abilities.updates is updates]
