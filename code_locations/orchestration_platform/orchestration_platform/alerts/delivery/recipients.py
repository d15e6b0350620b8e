"""Messages to several recipients: each result is recorded before the next recipient is notified.

A process that is killed has at most one recipient whose result is not recorded. Only this one may
get the message again, under the same key.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orchestration_platform.alerts.delivery import queue
from orchestration_platform.alerts.delivery.queue import Claim
from orchestration_platform.alerts.outbox.messages import DELIVERED, FAILED, WAITING
from orchestration_platform.alerts.outbox.tables import ADDRESSES, DELIVERIES, MESSAGES, is_at
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import Receipt, Recipients

# How long a message waits for a recipient that is refused for now, once others have it: greylisting
# takes some minutes, and a full mailbox must not slow down the messages to others for days.
REFUSED_FOR_NOW_SECONDS = 1800.0

_LONGEST_REASON = 300


@dataclass(frozen=True)
class Delivery:
    """A message to one recipient.

    Attributes:
        recipient: the address.
        state: whether it waits, was delivered or was given up.
        note: why the message goes to this recipient; empty if it needs no reason.
        error: why the service refused the recipient last; empty if it did not.
    """

    recipient: str
    state: str
    note: str
    error: str


def deliveries_of(connection: sa.Connection, claim: Claim) -> list[Delivery]:
    """Return the deliveries of the claimed message; none if its recipients are not known yet."""
    query = (
        sa.select(DELIVERIES)
        .where(DELIVERIES.c.message_id == claim.message_id)
        .order_by(DELIVERIES.c.id)
    )
    return [
        Delivery(row.recipient, row.state, row.note or "", row.error or "")
        for row in connection.execute(query)
    ]


def recipients_of_head(connection: sa.Connection, claim: Claim) -> list[str]:
    """Return who the head of the claimed entry went to; none if it is a head."""
    query = (
        sa.select(DELIVERIES.c.recipient)
        .join(MESSAGES, MESSAGES.c.head_id == DELIVERIES.c.message_id)
        .where(MESSAGES.c.id == claim.message_id)
        .order_by(DELIVERIES.c.id)
    )
    return list(connection.execute(query).scalars())


def add_deliveries(
    connection: sa.Connection, claim: Claim, found: Recipients, *, now: float
) -> bool:
    """Add a delivery for each recipient; return whether the claim is still ours."""
    if not queue.renew(connection, claim, now=now):
        return False
    connection.execute(
        sa.insert(DELIVERIES),
        [
            {
                "message_id": claim.message_id,
                "recipient": recipient,
                "state": WAITING,
                "note": found.note or None,
            }
            for recipient in dict.fromkeys(found.addresses)
        ],
    )
    return True


def record_result(
    connection: sa.Connection,
    claim: Claim,
    recipient: str,
    error: Exception | None,
    *,
    reason: str,
    now: float,
) -> bool:
    """Record what the service answered for one recipient; return whether the claim is still ours.

    Args:
        connection: of the caller's transaction.
        claim: the message.
        recipient: the address.
        error: why the service refused the recipient; None if it did not.
        reason: the error, as it can be stored.
        now: seconds since 1970.
    """
    if not queue.renew(connection, claim, now=now):
        return False
    is_final = isinstance(error, MessageRefusedError)
    state = DELIVERED if error is None else FAILED if is_final else WAITING
    connection.execute(
        sa.update(DELIVERIES)
        .where(DELIVERIES.c.message_id == claim.message_id, DELIVERIES.c.recipient == recipient)
        .values(state=state, error=reason or None)
    )
    address = Destination(claim.destination.service, recipient)
    if error is None:
        accepted = {"refused_since": None, "refused_at": None}
        connection.execute(sa.update(ADDRESSES).where(is_at(ADDRESSES, address)).values(accepted))
    else:
        since = _refused_since(connection, address, now=now)
        queue.use_destination(connection, address, {"refused_since": since, "refused_at": now})
    return True


def _refused_since(connection: sa.Connection, address: Destination, *, now: float) -> float:
    """Return when the address began to refuse everything, as far as it was tried."""
    query = sa.select(ADDRESSES).where(is_at(ADDRESSES, address))
    row = connection.execute(query).first()
    if row is None or row.refused_at is None or now - row.refused_at > REFUSED_FOR_NOW_SECONDS:
        return now
    return row.refused_since


def give_up_waiting(connection: sa.Connection, claim: Claim, *, now: float) -> list[Delivery]:
    """Give up recipients that were refused for long while others have the message.

    Returns:
        All deliveries of the message.
    """
    found = deliveries_of(connection, claim)
    if not any(one.state == DELIVERED for one in found):
        return found
    for one in found:
        address = Destination(claim.destination.service, one.recipient)
        is_over = now - _refused_since(connection, address, now=now) > REFUSED_FOR_NOW_SECONDS
        if one.state == WAITING and one.error and is_over:
            connection.execute(
                sa.update(DELIVERIES)
                .where(DELIVERIES.c.message_id == claim.message_id)
                .where(DELIVERIES.c.recipient == one.recipient)
                .values(state=FAILED)
            )
    return deliveries_of(connection, claim)


def receipt_of(claim: Claim, deliveries: Sequence[Delivery], *, is_unsure: bool) -> Receipt:
    """Return the receipt of a message that no recipient waits for any more.

    Raises:
        ServiceUnavailableError: a recipient still waits.
        MessageRefusedError: every recipient was refused.
    """
    waiting = [one for one in deliveries if one.state == WAITING]
    if waiting:
        reasons = [f"{one.recipient}: {one.error}" for one in waiting if one.error]
        raise ServiceUnavailableError("; ".join(reasons)[:_LONGEST_REASON], is_unsure=is_unsure)
    delivered = [one for one in deliveries if one.state == DELIVERED]
    if not delivered:
        raise MessageRefusedError(deliveries[0].error)
    refused = sorted(one.recipient for one in deliveries if one.state == FAILED)
    notes = [*dict.fromkeys(one.note for one in delivered)]
    notes += [f"refused: {', '.join(refused)}"] if refused else []
    return Receipt(claim.key, note="; ".join(filter(None, notes)))
