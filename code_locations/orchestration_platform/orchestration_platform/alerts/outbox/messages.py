"""Messages in the outbox: added in the transaction that records what has happened."""

import uuid

import sqlalchemy as sa

from orchestration_platform.alerts.messages.thread import Entry, EntryKind
from orchestration_platform.alerts.outbox.tables import DELIVERIES, MESSAGES, destination_of, is_at
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import capabilities_of

HEAD = "head"
ENTRY = "entry"

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"
# The service does not show such entries, or the message is no longer needed.
SUPPRESSED = "suppressed"

# These entries send a message again that was given up: the people still do not know.
_GOES_ON = frozenset({EntryKind.REPEAT, EntryKind.NOTICE, EntryKind.CALL})

# An entry is stored as JSON that begins with its kind.
IS_CALL = MESSAGES.c.body.startswith(f'{{"kind": "{EntryKind.CALL}"')

REFUSED_HEAD = "the head of its thread was refused"


def add_message(
    connection: sa.Connection,
    incident_id: int,
    destination: Destination,
    entry: Entry | None,
    *,
    now: float,
    held_until: float | None = None,
) -> None:
    """Add a message to the outbox: the head of an incident, or an entry below the newest head.

    An entry that the service does not show is stored as suppressed.

    Args:
        connection: of the caller's transaction.
        incident_id: the incident.
        destination: where the message goes.
        entry: None for a head.
        now: seconds since 1970.
        held_until: the message is not sent before this time.
    """
    capabilities = capabilities_of(destination)
    is_shown = entry is None or entry.kind in capabilities.entries
    state, why = (WAITING, None) if is_shown else (SUPPRESSED, capabilities.why_not_others)
    head_id = newest_head(connection, incident_id, destination) if entry else None
    if entry and is_shown and head_id is not None and _is_given_up(connection, head_id):
        if entry.kind in _GOES_ON:
            _send_again(connection, head_id)
        else:
            state, why = FAILED, REFUSED_HEAD
    connection.execute(
        sa.insert(MESSAGES).values(
            key=uuid.uuid4().hex,
            incident_id=incident_id,
            service=destination.service,
            address=destination.address,
            kind=HEAD if entry is None else ENTRY,
            head_id=head_id,
            body=None if entry is None else entry.to_json(),
            state=state,
            error=why,
            sent_version=0,
            plain=False,
            unsure=False,
            attempts=0,
            created_at=now,
            held_until=held_until,
        )
    )


def newest_head(
    connection: sa.Connection, incident_id: int, destination: Destination
) -> int | None:
    """Return the message of an incident at a destination that entries belong to, if any."""
    query = sa.select(sa.func.max(MESSAGES.c.id)).where(
        MESSAGES.c.incident_id == incident_id,
        is_at(MESSAGES, destination),
        MESSAGES.c.kind == HEAD,
    )
    return connection.execute(query).scalar()


def _is_given_up(connection: sa.Connection, message_id: int) -> bool:
    query = sa.select(MESSAGES.c.state).where(MESSAGES.c.id == message_id)
    return connection.execute(query).scalar() == FAILED


def _send_again(connection: sa.Connection, message_id: int) -> None:
    anew = {"state": WAITING, "plain": False, "attempts": 0}
    connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == message_id).values(**anew))
    is_refused = (DELIVERIES.c.message_id == message_id) & (DELIVERIES.c.state == FAILED)
    connection.execute(sa.update(DELIVERIES).where(is_refused).values(state=WAITING, error=None))


def destinations_of(connection: sa.Connection, incident_id: int) -> list[Destination]:
    """Return where the incident is reported, including where it was escalated to."""
    where = (MESSAGES.c.service, MESSAGES.c.address)
    query = (
        sa.select(*where)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.kind == HEAD)
        .group_by(*where)
        .order_by(sa.func.min(MESSAGES.c.id))
    )
    return [destination_of(row) for row in connection.execute(query).mappings()]


def is_head_held(connection: sa.Connection, incident_id: int, *, now: float) -> bool:
    """Return whether the incident's message waits for the end of quiet hours."""
    query = sa.select(MESSAGES.c.id).where(
        MESSAGES.c.incident_id == incident_id,
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state == WAITING,
        MESSAGES.c.held_until > now,
    )
    return connection.execute(query.limit(1)).scalar() is not None


def is_call_waiting(connection: sa.Connection, incident_id: int, destination: Destination) -> bool:
    """Return whether the message, or the last call to it, still waits for delivery there."""
    query = sa.select(MESSAGES.c.id).where(
        MESSAGES.c.incident_id == incident_id,
        is_at(MESSAGES, destination),
        MESSAGES.c.state == WAITING,
        (MESSAGES.c.kind == HEAD) | IS_CALL,
    )
    return connection.execute(query.limit(1)).scalar() is not None


def suppress_calls(connection: sa.Connection, incident_id: int, *, why: str) -> None:
    """Suppress the waiting calls of an incident that is over."""
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.state == WAITING, IS_CALL)
        .values(state=SUPPRESSED, error=why)
    )


def suppress_waiting(connection: sa.Connection, incident_id: int, *, why: str) -> None:
    """Suppress everything of the incident that waits."""
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.state == WAITING)
        .values(state=SUPPRESSED, error=why)
    )
