"""What a person can act on: mutes, what waits for destinations, and what people have done."""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.outbox.state import is_out_of_date
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mutes_in_force
from orchestration_platform.alerts.outbox.tables import (
    ACTIONS,
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
)

_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Pending:
    """What waits for a destination.

    Attributes:
        destination: such as ``slack:#data``.
        messages: how many messages and updates of messages wait, held ones too.
        reason: why the destination accepted nothing last; empty if it did.
    """

    destination: str
    messages: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a person did, when, to what, and why; ``incident`` is None if it concerns none."""

    at: float
    person: str
    action: str
    target: str
    incident: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Hands:
    """What people have in hand.

    Attributes:
        mutes: the mutes in force, the one that ends last first.
        pending: what waits, by destination.
        actions: the last actions, the newest first.
    """

    mutes: Sequence[Mute]
    pending: Sequence[Pending]
    actions: Sequence[Action]


def read_hands(connection: sa.Connection, *, now: float) -> Hands:
    """Return what is in hand at ``now``, in seconds since 1970."""
    where = (MESSAGES.c.service, MESSAGES.c.address)
    waiting = (
        sa.select(*where, sa.func.count().label("messages"))
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where((MESSAGES.c.state == WAITING) | is_out_of_date())
        .group_by(*where)
        .order_by(*where)
    )
    reasons = {
        destination_of(row): row["reason"] or ""
        for row in connection.execute(sa.select(ADDRESSES)).mappings()
    }
    newest = sa.select(ACTIONS).order_by(ACTIONS.c.id.desc()).limit(_SHOWN)
    return Hands(
        mutes=mutes_in_force(connection, now=now),
        pending=[
            Pending(
                destination=str(destination_of(row)),
                messages=row["messages"],
                reason=reasons.get(destination_of(row), ""),
            )
            for row in connection.execute(waiting).mappings()
        ],
        actions=[
            Action(
                at=row.at,
                person=row.person,
                action=row.action,
                target=row.target,
                incident=row.incident_id,
                reason=row.reason,
            )
            for row in connection.execute(newest)
        ],
    )
