"""What the outbox has: as a whole, and message by message."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.messages import FAILED, HEAD, WAITING
from orchestration_platform.alerts.outbox.tables import CHANNELS, INCIDENTS, MESSAGES

# So long it is said of a message that it was given up, and of so many at most.
_UNTOLD_SECONDS = 24 * 3600
_MOST_UNTOLD = 5


@dataclass(frozen=True)
class OutboxState:
    """How much waits, for how long, and why.

    Attributes:
        waiting: messages that no service has and that may be sent.
        oldest_at: since when the oldest of them waits, in seconds since 1970.
        failed: messages that were given up: refused as plain text too.
        reasons: what went wrong last, by destination.
        held: messages that wait for the end of quiet hours.
        untold: of those that were given up within a day, what nobody was told there.
    """

    waiting: int = 0
    oldest_at: float | None = None
    failed: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    held: int = 0
    untold: Sequence[str] = ()


def outbox_state(connection: sa.Connection) -> OutboxState:
    """Look at the outbox as a whole."""
    is_waiting = MESSAGES.c.state == WAITING
    is_held = sa.func.coalesce(MESSAGES.c.held_until, 0.0) > time.time()
    since = sa.func.coalesce(MESSAGES.c.held_until, MESSAGES.c.created_at)
    waiting = sa.select(sa.func.count(), sa.func.min(since)).where(is_waiting & ~is_held)
    count, oldest = connection.execute(waiting).one()
    messages = sa.select(sa.func.count()).select_from(MESSAGES)
    reasons = sa.select(CHANNELS.c.name, CHANNELS.c.reason).where(CHANNELS.c.reason.is_not(None))
    return OutboxState(
        waiting=count,
        oldest_at=oldest,
        failed=connection.execute(messages.where(MESSAGES.c.state == FAILED)).scalar_one(),
        reasons={row.name: row.reason for row in connection.execute(reasons)},
        held=connection.execute(messages.where(is_waiting & is_held)).scalar_one(),
        untold=_untold(connection),
    )


def _untold(connection: sa.Connection) -> list[str]:
    """A line for each of the last messages, not entries of a thread, that were given up."""
    query = (
        sa.select(MESSAGES.c.destination, INCIDENTS.c.subject, MESSAGES.c.error)
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(
            MESSAGES.c.kind == HEAD,
            MESSAGES.c.state == FAILED,
            MESSAGES.c.created_at > time.time() - _UNTOLD_SECONDS,
        )
        .order_by(MESSAGES.c.id.desc())
        .limit(_MOST_UNTOLD)
    )
    return [
        f"{row.destination} was not told of {row.subject}: {row.error}"
        for row in connection.execute(query)
    ]


def listed_messages(
    connection: sa.Connection, *, limit: int, state: str | None = None
) -> Sequence[Mapping[str, Any]]:
    """The newest messages, or those in one state, with what became of them."""
    query = (
        sa.select(
            MESSAGES.c.id, MESSAGES.c.kind, MESSAGES.c.state, MESSAGES.c.destination,
            MESSAGES.c.attempts, MESSAGES.c.created_at, MESSAGES.c.held_until,
            MESSAGES.c.delivered_at, MESSAGES.c.error,
            INCIDENTS.c.policy, INCIDENTS.c.location, INCIDENTS.c.subject,
            INCIDENTS.c.occurrences, INCIDENTS.c.recovered_at, INCIDENTS.c.acknowledged_by,
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(MESSAGES.c.state == state if state else sa.true())
        .order_by(MESSAGES.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]
