"""What waits for a destination by hand: dropped, or sent to another destination."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.control.person import Hand, record_action
from orchestration_platform.alerts.facts.event_types import Category, EventType
from orchestration_platform.alerts.messages.thread import Entry
from orchestration_platform.alerts.outbox.messages import (
    DELIVERED,
    DROPPED,
    FAILED,
    HEAD,
    REDIRECTED,
    WAITING,
    add_message,
)
from orchestration_platform.alerts.outbox.state import is_out_of_date
from orchestration_platform.alerts.outbox.stored_alerts import UNREADABLE, unreadable_problem
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    destination_of,
    is_at,
)
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import SERVICES, configuration_at
from shared_lib.discovery.modules import did_you_mean


@dataclass(frozen=True)
class Moved:
    """What was dropped or redirected.

    Attributes:
        messages: how many messages and updates.
        incidents: of which incidents.
        being_sent: how many more another process is sending at this moment; they stay as they are.
    """

    messages: int
    incidents: Sequence[int]
    being_sent: int


def named_destination(
    connection: sa.Connection, text: str, *, policies: Sequence[Policy], alert_channel: str
) -> Destination:
    """Return the destination that ``text`` names, as listings show it, such as ``slack:#data``.

    Args:
        connection: of the caller's transaction.
        text: a service, a colon and an address there.
        policies: the policies of the file.
        alert_channel: the environment's channel, for policies that name no other.

    Raises:
        LookupError: no policy names it, and no message was for it; the text names similar ones.
    """
    where = (MESSAGES.c.service, MESSAGES.c.address)
    recorded = connection.execute(sa.select(*where).distinct()).mappings()
    known = {str(one): one for one in (destination_of(row) for row in recorded)}
    for policy in policies:
        for service in (policy.notification_service, policy.policy_options.escalation_service):
            if service is not None:
                one = service.destination(alert_channel)
                known[str(one)] = one
    if text not in known:
        service = text.partition(":")[0]
        near = did_you_mean(text, sorted(known)) or (
            "" if service in SERVICES else did_you_mean(service, list(SERVICES))
        )
        listed = f" (known: {', '.join(sorted(known)) or 'none'})"
        raise LookupError(
            f"{text} is not a destination of a policy or of a message{near or listed}"
        )
    return known[text]


def drop(connection: sa.Connection, destination: Destination, hand: Hand, *, now: float) -> Moved:
    """Drop what waits for ``destination``: messages, and updates of messages that it has."""
    rows, being_sent = _pending(connection, is_at(MESSAGES, destination), now=now)
    incidents = settle(connection, rows, DROPPED, f"dropped by {hand}")
    _record(connection, hand, "drop", str(destination), incidents, now=now)
    _forget_trouble(connection, destination)
    return Moved(len(rows), incidents, being_sent)


def drop_message(connection: sa.Connection, number: int, hand: Hand, *, now: float) -> Moved:
    """Drop one message, with the entries that wait for it; also one that was given up.

    Raises:
        LookupError: there is no such message.
    """
    message = connection.execute(sa.select(MESSAGES).where(MESSAGES.c.id == number)).first()
    if message is None:
        raise LookupError(f"there is no message {number}: show lists those of an incident")
    is_meant = (MESSAGES.c.id == number) | (MESSAGES.c.head_id == number)
    rows, being_sent = _pending(connection, is_meant, now=now, or_failed=True)
    incidents = settle(connection, rows, DROPPED, f"dropped by {hand}")
    _record(connection, hand, "drop", f"message {number}", incidents, now=now)
    return Moved(len(rows), incidents, being_sent)


def redirect(
    connection: sa.Connection,
    source: Destination,
    target: Destination,
    hand: Hand,
    *,
    now: float,
) -> Moved:
    """Send what waits for ``source`` to ``target``, with all that follows in the same incidents.

    The incident's message goes to ``target`` even if only an update or an entry of it waits. An
    incident that ``target`` has already gets no second message there.

    Args:
        connection: of the caller's transaction.
        source: where it waits.
        target: where it goes.
        hand: who redirects it, and why.
        now: seconds since 1970.

    Raises:
        ValueError: both are the same, or ``target`` cannot report one of the incidents.
    """
    if source == target:
        raise ValueError(f"{source} is both: enter another destination")
    rows, being_sent = _pending(connection, is_at(MESSAGES, source), now=now)
    _check_events(connection, rows, target)
    incidents = list(dict.fromkeys(row["incident_id"] for row in rows))
    for number in incidents:
        of_incident = [row for row in rows if row["incident_id"] == number]
        _redirect_incident(connection, number, of_incident, source, target, hand, now=now)
    _record(connection, hand, "redirect", f"{source} to {target}", incidents, now=now)
    _forget_trouble(connection, source)
    return Moved(len(rows), incidents, being_sent)


def _redirect_incident(
    connection: sa.Connection,
    number: int,
    rows: Sequence[Any],
    source: Destination,
    target: Destination,
    hand: Hand,
    *,
    now: float,
) -> None:
    of_incident = (MESSAGES.c.incident_id == number) & (MESSAGES.c.kind == HEAD)
    there = sa.select(sa.func.max(MESSAGES.c.id)).where(
        of_incident, is_at(MESSAGES, target), MESSAGES.c.state.in_((WAITING, DELIVERED))
    )
    head_id = connection.execute(there).scalar()
    if head_id is None:
        held = [row["held_until"] for row in rows if row["kind"] == HEAD]
        until = held[0] if held else None
        head_id = add_message(connection, number, target, None, now=now, held_until=until)
    for row in rows:
        if row["kind"] == HEAD:
            continue
        try:
            entry = Entry.from_json(row["body"])
        except UNREADABLE as error:
            settle(connection, [row], FAILED, unreadable_problem(error).message)
            continue
        why = f"redirected to {target} by {hand}{_doubt(row)}"
        settle(connection, [row], REDIRECTED, why)
        until = row["held_until"]
        add_message(connection, number, target, entry, now=now, held_until=until)
    heads = sa.select(MESSAGES).where(
        of_incident, is_at(MESSAGES, source), MESSAGES.c.state != REDIRECTED
    )
    for row in connection.execute(heads).mappings().all():
        why = f"redirected to {target} by {hand}{_doubt(row)}"
        settle(connection, [row], REDIRECTED, why, head_id=head_id)
    connection.execute(
        sa.update(INCIDENTS)
        .where(INCIDENTS.c.id == number, is_at(INCIDENTS, source))
        .values(service=target.service, address=target.address)
    )


def _pending(
    connection: sa.Connection,
    is_meant: sa.ColumnElement[bool],
    *,
    now: float,
    or_failed: bool = False,
) -> tuple[Sequence[Any], int]:
    """Return what is pending, without incidents of which a message is being sent; count those.

    Whether the service has a message that is being sent will be known when its claim ends.
    """
    is_pending = (MESSAGES.c.state == WAITING) | is_out_of_date()
    if or_failed:
        is_pending |= MESSAGES.c.state == FAILED
    query = (
        sa.select(MESSAGES)
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(is_meant, is_pending)
        .order_by(MESSAGES.c.id)
    )
    rows = connection.execute(query).mappings().all()
    claimed = {
        (row["incident_id"], destination_of(row))
        for row in rows
        if row["claimed_until"] is not None and row["claimed_until"] >= now
    }
    free = [row for row in rows if (row["incident_id"], destination_of(row)) not in claimed]
    return free, len(rows) - len(free)


def settle(
    connection: sa.Connection, rows: Sequence[Any], state: str, why: str, **values: Any
) -> list[int]:
    """Set the state of ``rows``, also if a process that seems dead still sends one of them.

    The number of the attempt grows, so that such a process cannot record its result any more.

    Returns:
        the incidents of the rows.
    """
    for row in rows:
        # the claim of a living process was left alone
        attempts = row["attempts"] + (row["claimed_until"] is not None)
        changed = {"state": state, "error": why, "claimed_until": None, "attempts": attempts}
        connection.execute(
            sa.update(MESSAGES).where(MESSAGES.c.id == row["id"]).values(**changed, **values)
        )
    return list(dict.fromkeys(row["incident_id"] for row in rows))


def _doubt(row: Any) -> str:
    is_unsure = row["state"] == WAITING and (row["unsure"] or row["claimed_until"] is not None)
    return " (it may be here too)" if is_unsure else ""


def _record(
    connection: sa.Connection,
    hand: Hand,
    action: str,
    target: str,
    incidents: Sequence[int],
    *,
    now: float,
) -> None:
    for number in incidents:
        record_action(connection, hand, action, target, now=now, incident_id=number)


def _forget_trouble(connection: sa.Connection, destination: Destination) -> None:
    """Stop reporting why the destination accepts nothing, unless something still waits for it."""
    left, being_sent = _pending(connection, is_at(MESSAGES, destination), now=0.0)
    if left or being_sent:
        return
    connection.execute(
        sa.update(ADDRESSES)
        .where(is_at(ADDRESSES, destination))
        .values(failures=0, reason=None, next_call_at=0.0)
    )


def _check_events(connection: sa.Connection, rows: Sequence[Any], target: Destination) -> None:
    instead = configuration_at(target).instead_without_asset
    if not instead:
        return
    numbers = {row["incident_id"] for row in rows}
    query = sa.select(INCIDENTS.c.id, INCIDENTS.c.event_type).where(INCIDENTS.c.id.in_(numbers))
    others = [
        row.id
        for row in connection.execute(query)
        if row.event_type not in list(EventType)
        or EventType(row.event_type).category is not Category.ASSET
    ]
    if others:
        raise ValueError(
            f"{target.service} is only for events of an asset, and incident {others[0]} is about"
            f" something else: redirect to {instead}"
        )
