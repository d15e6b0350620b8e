"""The state of the outbox: as a whole, and message by message."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.messages import FAILED, HEAD, WAITING
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
)

# For how long, and for how many messages at most, it is reported that they were given up.
_UNDELIVERED_SECONDS = 24 * 3600
_MOST_UNDELIVERED = 5


@dataclass(frozen=True)
class OutboxState:
    """How many messages wait, for how long, and why.

    Attributes:
        waiting: messages that may be sent and that no service has accepted.
        oldest_at: since when the oldest of them has waited, in seconds since 1970.
        failed: messages that were given up, after they were refused even as plain text.
        reasons: what went wrong last, by service and address.
        held: messages that wait for the end of quiet hours.
        undelivered: a line for each message that was given up within the last day.
    """

    waiting: int = 0
    oldest_at: float | None = None
    failed: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    held: int = 0
    undelivered: Sequence[str] = ()


def outbox_state(connection: sa.Connection) -> OutboxState:
    """Return the state of the outbox."""
    is_waiting = MESSAGES.c.state == WAITING
    is_held = sa.func.coalesce(MESSAGES.c.held_until, 0.0) > time.time()
    since = sa.func.coalesce(MESSAGES.c.held_until, MESSAGES.c.created_at)
    waiting = sa.select(sa.func.count(), sa.func.min(since)).where(is_waiting & ~is_held)
    count, oldest = connection.execute(waiting).one()
    messages = sa.select(sa.func.count()).select_from(MESSAGES)
    reasons = sa.select(ADDRESSES).where(ADDRESSES.c.reason.is_not(None))
    return OutboxState(
        waiting=count,
        oldest_at=oldest,
        failed=connection.execute(messages.where(MESSAGES.c.state == FAILED)).scalar_one(),
        reasons={
            str(destination_of(row)): row["reason"]
            for row in connection.execute(reasons).mappings()
        },
        held=connection.execute(messages.where(is_waiting & is_held)).scalar_one(),
        undelivered=_undelivered(connection),
    )


def _undelivered(connection: sa.Connection) -> list[str]:
    """Return a line for each of the last messages, without entries, that were given up."""
    query = (
        sa.select(MESSAGES.c.service, MESSAGES.c.address, INCIDENTS.c.subject, MESSAGES.c.error)
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(
            MESSAGES.c.kind == HEAD,
            MESSAGES.c.state == FAILED,
            MESSAGES.c.created_at > time.time() - _UNDELIVERED_SECONDS,
        )
        .order_by(MESSAGES.c.id.desc())
        .limit(_MOST_UNDELIVERED)
    )
    return [
        f"{destination_of(row)} was not notified of {row['subject']}: {row['error']}"
        for row in connection.execute(query).mappings()
    ]


def listed_messages(
    connection: sa.Connection, *, limit: int, state: str | None = None
) -> Sequence[Mapping[str, Any]]:
    """Return the newest messages, or the newest in one state, with their incidents."""
    query = (
        sa.select(
            MESSAGES.c.id, MESSAGES.c.kind, MESSAGES.c.state, MESSAGES.c.service,
            MESSAGES.c.address, MESSAGES.c.attempts, MESSAGES.c.created_at, MESSAGES.c.held_until,
            MESSAGES.c.delivered_at, MESSAGES.c.error,
            INCIDENTS.c.policy, INCIDENTS.c.location, INCIDENTS.c.subject,
            INCIDENTS.c.occurrences, INCIDENTS.c.recovered_at, INCIDENTS.c.acknowledged_by,
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(MESSAGES.c.state == state if state else sa.true())
        .order_by(MESSAGES.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [
        {**row, "destination": str(destination_of(row))}
        for row in connection.execute(query).mappings()
    ]
