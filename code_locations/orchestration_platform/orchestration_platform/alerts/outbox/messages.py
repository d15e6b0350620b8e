"""Messages in the outbox: added in the transaction that records what has happened."""

import uuid
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from orchestration_platform.alerts.messages.thread import Entry, EntryKind
from orchestration_platform.alerts.outbox.tables import DELIVERIES, MESSAGES, destination_of, is_at
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import capabilities_of

if TYPE_CHECKING:
    from orchestration_platform.alerts.outbox.suppression.mutes import Mute

HEAD = "head"
ENTRY = "entry"

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"
# The service does not show such entries, or the message is no longer needed.
SUPPRESSED = "suppressed"
# A person decided that it, or its update, will not be sent.
DROPPED = "dropped"
# A person sent it to another destination; the `head_id` of such a head is the head there.
REDIRECTED = "redirected"

# These entries send a message again that was given up: the people still do not know.
_GOES_ON = frozenset({EntryKind.REPEAT, EntryKind.NOTICE, EntryKind.CALL})

# An entry is stored as JSON that begins with its kind.
IS_CALL = MESSAGES.c.body.startswith(f'{{"kind": "{EntryKind.CALL}"')
IS_TRACE = MESSAGES.c.body.startswith(f'{{"kind": "{EntryKind.TRACE}"')
IS_REPEAT = MESSAGES.c.body.startswith(f'{{"kind": "{EntryKind.REPEAT}"')

REFUSED_HEAD = "the head of its thread was refused"


def add_message(
    connection: sa.Connection,
    incident_id: int,
    destination: Destination,
    entry: Entry | None,
    *,
    now: float,
    held_until: float | None = None,
    mute: "Mute | None" = None,
) -> int:
    """Add a message to the outbox: the head of an incident, or an entry below the newest head.

    An entry that the service does not show, or whose head was dropped or is suppressed, is stored
    as suppressed. One whose head was redirected goes where the head is now.

    Args:
        connection: of the caller's transaction.
        incident_id: the incident.
        destination: where the message goes.
        entry: None for a head.
        now: seconds since 1970.
        held_until: the message is not sent before this time.
        mute: stores the message as suppressed.

    Returns:
        the id of its row.
    """
    if entry is not None:
        destination = place_now(connection, incident_id, destination)
    capabilities = capabilities_of(destination)
    is_shown = entry is None or entry.kind in capabilities.entries
    state, why = (WAITING, None) if is_shown else (SUPPRESSED, capabilities.why_not_others)
    head = _newest_head(connection, incident_id, destination) if entry else None
    muted_by = None
    if mute is not None and is_shown and (head is None or head.state != DROPPED):
        state, why, muted_by = SUPPRESSED, mute.why, mute.id
    elif entry and is_shown and head is not None:
        if head.state in (DROPPED, SUPPRESSED):
            state, why = SUPPRESSED, head.error
        elif head.state == FAILED and entry.kind in _GOES_ON:
            _send_again(connection, head.id)
        elif head.state == FAILED:
            state, why = FAILED, REFUSED_HEAD
    result = connection.execute(
        sa.insert(MESSAGES).values(
            key=uuid.uuid4().hex,
            incident_id=incident_id,
            service=destination.service,
            address=destination.address,
            kind=HEAD if entry is None else ENTRY,
            head_id=None if head is None else head.id,
            body=None if entry is None else entry.to_json(),
            state=state,
            error=why,
            sent_version=0,
            plain=False,
            unsure=False,
            attempts=0,
            created_at=now,
            held_until=held_until,
            mute_id=muted_by,
        )
    )
    [message_id] = result.inserted_primary_key or [0]
    return message_id


def newest_head(
    connection: sa.Connection, incident_id: int, destination: Destination
) -> int | None:
    """Return the message of an incident at a destination that entries belong to, if any."""
    head = _newest_head(connection, incident_id, destination)
    return None if head is None else head.id


def place_now(connection: sa.Connection, incident_id: int, destination: Destination) -> Destination:
    """Return where messages of an incident for ``destination`` go, after all redirections."""
    head = _newest_head(connection, incident_id, destination)
    # a head is only redirected to a newer one
    while head is not None and head.state == REDIRECTED:
        query = sa.select(MESSAGES).where(MESSAGES.c.id == head.head_id)
        head = connection.execute(query).one()
        destination = Destination(head.service, head.address)
    return destination


def _newest_head(
    connection: sa.Connection, incident_id: int, destination: Destination
) -> sa.Row[Any] | None:
    query = sa.select(MESSAGES).where(
        MESSAGES.c.incident_id == incident_id,
        is_at(MESSAGES, destination),
        MESSAGES.c.kind == HEAD,
    )
    return connection.execute(query.order_by(MESSAGES.c.id.desc()).limit(1)).first()


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
        .where(
            MESSAGES.c.incident_id == incident_id,
            MESSAGES.c.kind == HEAD,
            MESSAGES.c.state != REDIRECTED,
        )
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


def is_head_silenced(connection: sa.Connection, incident_id: int) -> bool:
    """Return whether a mute, or the incident that explains it, suppresses the message."""
    query = sa.select(MESSAGES.c.id).where(
        MESSAGES.c.incident_id == incident_id,
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.mute_id.is_not(None) | MESSAGES.c.cause_id.is_not(None),
    )
    return connection.execute(query.limit(1)).scalar() is not None


def stay_silent(connection: sa.Connection, incident_id: int) -> None:
    """Leave what is suppressed of an incident suppressed for good."""
    of_incident = MESSAGES.c.incident_id == incident_id
    never = {"mute_id": None, "cause_id": None}
    connection.execute(sa.update(MESSAGES).where(of_incident).values(**never))


def is_call_waiting(connection: sa.Connection, incident_id: int, destination: Destination) -> bool:
    """Return whether the message, or the last call to it, still waits for delivery there."""
    destination = place_now(connection, incident_id, destination)
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
