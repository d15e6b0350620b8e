"""The state of the outbox: as a whole, and message by message."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.messages import DELIVERED, FAILED, HEAD, WAITING
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
)
from orchestration_platform.alerts.services.protocol.configuration import Updates
from orchestration_platform.alerts.services.registry import services_that

# A message is updated once its failure has been quiet for a while, or after this time.
LONGEST_STALE_SECONDS = 600.0

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
        outdated: messages that a service has in a version that is no longer true.
        outdated_since: since when the oldest of their updates has been due.
        undelivered: a line for each message that was given up within the last day.
    """

    waiting: int = 0
    oldest_at: float | None = None
    failed: int = 0
    reasons: Mapping[str, str] = field(default_factory=dict)
    held: int = 0
    undelivered: Sequence[str] = ()
    outdated: int = 0
    outdated_since: float | None = None

    @property
    def pending_since(self) -> float | None:
        """Since when the oldest message or update has been due."""
        times = [at for at in (self.oldest_at, self.outdated_since) if at is not None]
        return min(times, default=None)

    def overdue(self, now: float, *, allowed_seconds: float) -> list[str]:
        """Return what has waited for longer than allowed, and why, a line each."""
        lines = [
            f"{count} {what}, the oldest for {now - since:.0f} s"
            for count, what, since in (
                (self.waiting, "alerts wait", self.oldest_at),
                (self.outdated, "messages wait for their update", self.outdated_since),
            )
            if since is not None and now - since > allowed_seconds
        ]
        return lines and [*lines, *(f"{name}: {why}" for name, why in self.reasons.items())]


def outbox_state(connection: sa.Connection) -> OutboxState:
    """Return the state of the outbox."""
    is_waiting = MESSAGES.c.state == WAITING
    is_held = sa.func.coalesce(MESSAGES.c.held_until, 0.0) > time.time()
    since = sa.func.coalesce(MESSAGES.c.held_until, MESSAGES.c.created_at)
    waiting = sa.select(sa.func.count(), sa.func.min(since)).where(is_waiting & ~is_held)
    count, oldest = connection.execute(waiting).one()
    messages = sa.select(sa.func.count()).select_from(MESSAGES)
    recovered = INCIDENTS.c.recovered_at.is_not(None)
    latest = MESSAGES.c.delivered_at + LONGEST_STALE_SECONDS
    changed = INCIDENTS.c.changed_at
    due = sa.case((recovered | (changed < latest), changed), else_=latest)
    outdated, outdated_since = connection.execute(
        sa.select(sa.func.count(), sa.func.min(due))
        .join_from(MESSAGES, INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(is_out_of_date())
    ).one()
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
        outdated=outdated,
        outdated_since=outdated_since,
    )


def is_out_of_date() -> sa.ColumnElement[bool]:
    """Whether the service has an outdated version of a message, and takes updates."""
    return (
        (MESSAGES.c.kind == HEAD)
        & (MESSAGES.c.state == DELIVERED)
        & (MESSAGES.c.sent_version < INCIDENTS.c.version)
        & (
            _is_at(Updates.ALWAYS)
            | (_is_at(Updates.RECOVERY) & INCIDENTS.c.recovered_at.is_not(None))
        )
    )


def _is_at(updates: Updates) -> sa.ColumnElement[bool]:
    """Whether the message is with a service that updates messages in this way."""
    return MESSAGES.c.service.in_(services_that(updates))


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
