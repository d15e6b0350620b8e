"""What is to be told, durably: put in beside what has happened, in one transaction."""

import uuid

import sqlalchemy as sa

from orchestration_platform.alerts.messages.thread import Entry, EntryKind
from orchestration_platform.alerts.outbox.tables import MESSAGES
from orchestration_platform.alerts.services.registry import capabilities_of

HEAD = "head"
ENTRY = "entry"

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"
# The service has no use for it.
SUPPRESSED = "suppressed"

# With these what was given up is tried anew: whoever is to know still does not.
_GOES_ON = frozenset({EntryKind.REPEAT, EntryKind.NOTICE, EntryKind.CALL})

# An entry is kept as JSON, which begins with its kind.
IS_CALL = MESSAGES.c.body.startswith(f'{{"kind": "{EntryKind.CALL}"')

REFUSED_HEAD = "the head of its thread was refused"


def add_message(
    connection: sa.Connection,
    incident_id: int,
    destination: str,
    entry: Entry | None,
    *,
    now: float,
    held_until: float | None = None,
) -> None:
    """Put a message into the outbox: the head of an incident, or an entry below the newest head.

    An entry for which the service has no use is kept as suppressed.

    Args:
        connection: of the caller's transaction.
        incident_id: whose message it is.
        destination: where it goes.
        entry: nothing for a head.
        now: seconds since 1970.
        held_until: before then it is not sent.
    """
    capabilities = capabilities_of(destination)
    is_of_use = entry is None or entry.kind in capabilities.entries
    state, why = (WAITING, None) if is_of_use else (SUPPRESSED, capabilities.why_not_others)
    head_id = newest_head(connection, incident_id, destination) if entry else None
    if entry and is_of_use and head_id is not None and _is_given_up(connection, head_id):
        if entry.kind in _GOES_ON:
            _try_anew(connection, head_id)
        else:
            state, why = FAILED, REFUSED_HEAD
    connection.execute(
        sa.insert(MESSAGES).values(
            key=uuid.uuid4().hex,
            incident_id=incident_id,
            destination=destination,
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


def newest_head(connection: sa.Connection, incident_id: int, destination: str) -> int | None:
    """The message of an incident at a destination that later ones belong to, if there is one."""
    query = sa.select(sa.func.max(MESSAGES.c.id)).where(
        MESSAGES.c.incident_id == incident_id,
        MESSAGES.c.destination == destination,
        MESSAGES.c.kind == HEAD,
    )
    return connection.execute(query).scalar()


def _is_given_up(connection: sa.Connection, message_id: int) -> bool:
    query = sa.select(MESSAGES.c.state).where(MESSAGES.c.id == message_id)
    return connection.execute(query).scalar() == FAILED


def _try_anew(connection: sa.Connection, message_id: int) -> None:
    anew = {"state": WAITING, "plain": False, "attempts": 0}
    connection.execute(sa.update(MESSAGES).where(MESSAGES.c.id == message_id).values(**anew))


def destinations_of(connection: sa.Connection, incident_id: int) -> list[str]:
    """Where the incident was told, or is to be: those to whom it was escalated too."""
    query = (
        sa.select(MESSAGES.c.destination)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.kind == HEAD)
        .group_by(MESSAGES.c.destination)
        .order_by(sa.func.min(MESSAGES.c.id))
    )
    return list(connection.execute(query).scalars())


def is_head_held(connection: sa.Connection, incident_id: int, *, now: float) -> bool:
    """Whether the incident's message waits for the end of quiet hours."""
    query = sa.select(MESSAGES.c.id).where(
        MESSAGES.c.incident_id == incident_id,
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state == WAITING,
        MESSAGES.c.held_until > now,
    )
    return connection.execute(query.limit(1)).scalar() is not None


def is_call_waiting(connection: sa.Connection, incident_id: int, destination: str) -> bool:
    """Whether people there have not yet got the message, or the last call to it."""
    query = sa.select(MESSAGES.c.id).where(
        MESSAGES.c.incident_id == incident_id,
        MESSAGES.c.destination == destination,
        MESSAGES.c.state == WAITING,
        (MESSAGES.c.kind == HEAD) | IS_CALL,
    )
    return connection.execute(query.limit(1)).scalar() is not None


def suppress_calls(connection: sa.Connection, incident_id: int, *, why: str) -> None:
    """Nobody is called any more to what is over."""
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.state == WAITING, IS_CALL)
        .values(state=SUPPRESSED, error=why)
    )


def suppress_waiting(connection: sa.Connection, incident_id: int, *, why: str) -> None:
    """What waits of the incident need not be told any more."""
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.state == WAITING)
        .values(state=SUPPRESSED, error=why)
    )
