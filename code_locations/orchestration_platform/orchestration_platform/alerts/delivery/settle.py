"""Records what happened to a claimed message."""

import random
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.delivery import queue
from orchestration_platform.alerts.delivery.queue import Claim
from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.outbox.messages import DELIVERED, FAILED, REFUSED_HEAD, WAITING
from orchestration_platform.alerts.outbox.tables import ADDRESSES, MESSAGES, is_at


def record_delivery(
    connection: sa.Connection,
    claim: Claim,
    *,
    reference: str,
    place: str,
    version: int,
    now: float,
    note: str | None = None,
) -> None:
    """The service has the message at ``version``; ``note`` is kept for listings."""
    _give_back(
        connection,
        claim,
        {
            "state": DELIVERED,
            "reference": reference,
            "sent_version": version,
            "delivered_at": now,
            "unsure": False,
            "error": note,
        },
    )
    # From now on, because the service counts from the call, which was after the claim.
    free_at = now + claim.pace_seconds
    known = {"place": place, "failures": 0, "reason": None, "next_call_at": free_at}
    queue.use_destination(connection, claim.destination, known)


def record_pause(
    connection: sa.Connection,
    claim: Claim,
    *,
    reason: str,
    retry_after: float | None,
    is_unsure: bool,
    now: float,
    longest_pause: float = TIMING.longest_pause,
) -> None:
    """The service did not accept the message: its destination pauses, longer each time."""
    _give_back(
        connection,
        claim,
        {"unsure": claim.is_unsure or is_unsure, "error": reason},
    )
    query = sa.select(ADDRESSES.c.failures).where(is_at(ADDRESSES, claim.destination))
    failures = (connection.execute(query).scalar() or 0) + 1
    pause = min(2.0 ** min(failures - 1, 10), longest_pause) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    at = now + (pause if retry_after is None else retry_after)
    queue.use_destination(
        connection, claim.destination, {"next_call_at": at, "failures": failures, "reason": reason}
    )


def record_refusal(connection: sa.Connection, claim: Claim, *, reason: str) -> bool:
    """The service refused the message; return whether it is sent again as plain text."""
    if not claim.is_plain:
        _give_back(connection, claim, {"plain": True, "unsure": claim.is_unsure, "error": reason})
        return True
    if claim.reference is not None:
        _give_back(connection, claim, {"sent_version": claim.version, "error": reason})
        return False
    is_given_up = _give_back(connection, claim, {"state": FAILED, "error": reason})
    if is_given_up and claim.entry is None:
        connection.execute(
            sa.update(MESSAGES)
            .where(MESSAGES.c.head_id == claim.message_id, MESSAGES.c.state == WAITING)
            .values(state=FAILED, error=REFUSED_HEAD)
        )
    return False


def record_disappearance(connection: sa.Connection, claim: Claim) -> None:
    """The message, or the head of its thread, was deleted: it is posted again."""
    if not _give_back(connection, claim, {}):
        return
    query = sa.select(sa.func.coalesce(MESSAGES.c.head_id, MESSAGES.c.id)).where(
        MESSAGES.c.id == claim.message_id
    )
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.id == connection.execute(query).scalar_one())
        .values(state=WAITING, reference=None, unsure=False, error="was deleted")
    )


def _give_back(connection: sa.Connection, claim: Claim, values: dict[str, Any]) -> bool:
    """Record the result of a claim, unless another process has it by now."""
    given = connection.execute(
        sa.update(MESSAGES).where(queue.is_ours(claim)).values(claimed_until=None, **values)
    )
    return given.rowcount == 1
