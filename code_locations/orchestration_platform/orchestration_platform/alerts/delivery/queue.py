"""Claims on messages: a claimed message is sent by one process at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.messages.message import Incident
from orchestration_platform.alerts.messages.thread import Entry, EntryKind
from orchestration_platform.alerts.outbox.messages import (
    ENTRY,
    FAILED,
    HEAD,
    WAITING,
)
from orchestration_platform.alerts.outbox.sharing import policies_of
from orchestration_platform.alerts.outbox.state import LONGEST_STALE_SECONDS, is_out_of_date
from orchestration_platform.alerts.outbox.stored_alerts import UNREADABLE, first_of, latest_of
from orchestration_platform.alerts.outbox.tables import (
    ADDRESSES,
    INCIDENTS,
    MESSAGES,
    OUTSTANDING,
    destination_of,
    is_at,
)
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import capabilities_of
from shared_lib.secrets import redact

# A storm can come in bursts with quiet between them. So while more than a few messages of a
# destination are out of date, the quiet must last longer, up to this factor when there are many, or
# the message must be older than a storm lasts.
QUIET_IN_STORM = 4.0
STORM_SECONDS = 330.0
_FEW_OUT_OF_DATE = 4
_MANY_OUT_OF_DATE = 34

_OF_INCIDENT = (
    "policy", "event_type", "location", "subject", "first_at", "last_at", "facts", "latest",
    "occurrences", "recovered_at", "version", "escalated_at", "acknowledged_by",
)  # fmt: skip
_LISTED_PARTITIONS = 40
# A message that has failed this often is sent after others that may fare better: it may itself be
# the cause of the service's trouble.
_FAIR_ATTEMPTS = 5


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that this process, and no other, is about to send.

    Attributes:
        message_id: its row.
        attempt: the number of the attempt; a later one belongs to a process that considers this one
            dead.
        key: sent with the message to recognise it at the service.
        incident_key: the key of the head.
        policy: the policy whose escalation applies.
        destination: service and address.
        place: the service's id of the address, once it is known.
        reference: the service's id of the message, if it has been posted.
        reply_to: for an entry, the service's id of its head.
        version: the current version of the head.
        incident: what the head reports.
        entry: what is added to the head; None if the message is the head itself.
        is_plain: the full form was refused; send one line of text.
        is_escalation: it calls the people to whom the incident is escalated.
        is_unsure: an earlier attempt may have reached the service.
        first_attempt_at: when it was first attempted, in seconds since 1970.
        lasts_seconds: how long it is ours, unless it is renewed.
        pace_seconds: the shortest time between two calls to the destination.
    """

    message_id: int
    attempt: int
    key: str
    incident_key: str
    policy: str
    destination: Destination
    place: str | None
    reference: str | None
    reply_to: str | None
    version: int
    incident: Incident
    entry: Entry | None
    is_plain: bool
    is_escalation: bool
    is_unsure: bool
    first_attempt_at: float
    lasts_seconds: float
    pace_seconds: float


def claim_next(
    connection: sa.Connection,
    *,
    now: float,
    descriptions: Mapping[str, str],
    incident_id: int | None = None,
    timing: Timing = TIMING,
) -> Claim | None:
    """Claim the most urgent message that may be sent now: new messages before changed ones.

    Args:
        connection: in a transaction; the claim counts once it is committed.
        now: seconds since 1970.
        descriptions: the description to add to the messages of a policy, by policy name.
        incident_id: only messages of this incident; None: of any.
        timing: the pace, how long a claim lasts and how long a failure must be quiet.
    """
    heads = MESSAGES.alias("heads")
    is_free = ADDRESSES.c.next_call_at.is_(None) | (ADDRESSES.c.next_call_at <= now)
    is_meant = sa.true() if incident_id is None else MESSAGES.c.incident_id == incident_id
    due = _due(heads, now, timing).where(is_free, is_meant).limit(1)
    while (row := connection.execute(due).mappings().first()) is not None:
        try:
            return _claimed(connection, row, now, descriptions, timing)
        except UNREADABLE as error:
            # a later attempt would change nothing, and others wait behind it
            reason = f"the stored message cannot be read: {type(error).__name__}: {error}"
            is_below = (MESSAGES.c.head_id == row["id"]) & (MESSAGES.c.state == WAITING)
            given_up = {"state": FAILED, "error": redact(reason), "claimed_until": None}
            connection.execute(
                sa.update(MESSAGES).where((MESSAGES.c.id == row["id"]) | is_below).values(given_up)
            )
    return None


def _claimed(
    connection: sa.Connection,
    row: Any,
    now: float,
    descriptions: Mapping[str, str],
    timing: Timing,
) -> Claim:
    destination = destination_of(row)
    pace = capabilities_of(destination).pace * timing.pace
    entry = Entry.from_json(row["body"]) if row["body"] else None
    claimed_until = now + timing.claim
    first_attempt_at = row["first_attempt_at"] or now
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.id == row["id"])
        .values(
            claimed_until=claimed_until,
            attempts=row["attempts"] + 1,
            first_attempt_at=first_attempt_at,
        )
    )
    use_destination(connection, destination, {"next_call_at": now + pace})
    return Claim(
        message_id=row["id"],
        attempt=row["attempts"] + 1,
        key=row["key"],
        incident_key=row["head_key"],
        policy=row["policy"],
        destination=destination,
        place=row["place"],
        reference=row["reference"],
        reply_to=row["head_reference"] if row["kind"] == ENTRY else None,
        version=row["version"],
        incident=_incident(connection, row, descriptions),
        entry=entry,
        is_plain=row["plain"],
        is_escalation=destination != Destination(row["first_service"], row["first_address"])
        or (entry is not None and entry.kind in (EntryKind.NOTICE, EntryKind.CALL)),
        is_unsure=row["unsure"] or row["claimed_until"] is not None,
        first_attempt_at=first_attempt_at,
        lasts_seconds=timing.claim,
        pace_seconds=pace,
    )


def renew(connection: sa.Connection, claim: Claim, *, now: float) -> bool:
    """Extend a claim for the same time again; return whether it is still ours."""
    until = now + claim.lasts_seconds
    renewed = connection.execute(
        sa.update(MESSAGES).where(is_ours(claim)).values(claimed_until=until)
    )
    return renewed.rowcount == 1


def is_ours(claim: Claim) -> sa.ColumnElement[bool]:
    """Whether no other process has claimed the message since, considering this one dead."""
    return (MESSAGES.c.id == claim.message_id) & (MESSAGES.c.attempts == claim.attempt)


def _due(heads: Any, now: float, timing: Timing) -> sa.Select[Any]:
    is_new = (MESSAGES.c.kind == HEAD) & (MESSAGES.c.state == WAITING)
    is_entry = (
        (MESSAGES.c.kind == ENTRY) & (MESSAGES.c.state == WAITING) & heads.c.reference.is_not(None)
    )
    out_of_date = _out_of_date()
    is_quiet = (
        INCIDENTS.c.changed_at <= now - _quiet_seconds(out_of_date.c.messages, timing.quiet)
    ) | (
        (INCIDENTS.c.changed_at <= now - timing.quiet)
        & (MESSAGES.c.delivered_at <= now - STORM_SECONDS)
    )
    is_stale = is_out_of_date() & (
        INCIDENTS.c.recovered_at.is_not(None)
        | is_quiet
        | (MESSAGES.c.delivered_at <= now - LONGEST_STALE_SECONDS)
    )
    is_in_trouble = (MESSAGES.c.state == WAITING) & (MESSAGES.c.attempts >= _FAIR_ATTEMPTS)
    urgency = sa.case(
        (is_in_trouble, 4),
        (is_new, 0),
        (INCIDENTS.c.recovered_at.is_not(None), 1),
        (is_entry, 2),
        else_=3,
    )
    return (
        sa.select(
            MESSAGES,
            ADDRESSES.c.place,
            ADDRESSES.c.next_call_at,
            heads.c.reference.label("head_reference"),
            heads.c.key.label("head_key"),
            INCIDENTS.c.service.label("first_service"),
            INCIDENTS.c.address.label("first_address"),
            *(INCIDENTS.c[name] for name in _OF_INCIDENT),
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .join(heads, heads.c.id == sa.func.coalesce(MESSAGES.c.head_id, MESSAGES.c.id))
        .outerjoin(ADDRESSES, _is_same(ADDRESSES.c))
        .outerjoin(out_of_date, _is_same(out_of_date.c))
        .where(
            is_new | is_entry | is_stale,
            MESSAGES.c.claimed_until.is_(None) | (MESSAGES.c.claimed_until < now),
            MESSAGES.c.held_until.is_(None) | (MESSAGES.c.held_until <= now),
        )
        .order_by(urgency, MESSAGES.c.attempts // _FAIR_ATTEMPTS, MESSAGES.c.id)
    )


def _out_of_date() -> sa.Subquery:
    """How many messages of each destination wait for an update."""
    return (
        sa.select(MESSAGES.c.service, MESSAGES.c.address, sa.func.count().label("messages"))
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(is_out_of_date())
        .group_by(MESSAGES.c.service, MESSAGES.c.address)
        .subquery()
    )


def _quiet_seconds(out_of_date: sa.ColumnElement[int], shortest: float) -> sa.ColumnElement[float]:
    """How long a failure must be quiet when this many messages are out of date."""
    longest = shortest * QUIET_IN_STORM
    growth = (longest - shortest) / (_MANY_OUT_OF_DATE - _FEW_OUT_OF_DATE)
    return sa.case(
        (out_of_date > _MANY_OUT_OF_DATE, longest),
        (out_of_date > _FEW_OUT_OF_DATE, shortest + (out_of_date - _FEW_OUT_OF_DATE) * growth),
        else_=shortest,
    )


def _is_same(columns: Any) -> sa.ColumnElement[bool]:
    """Whether the columns have the destination of the message."""
    return (columns.service == MESSAGES.c.service) & (columns.address == MESSAGES.c.address)


def _incident(connection: sa.Connection, row: Any, descriptions: Mapping[str, str]) -> Incident:
    of_incident = (OUTSTANDING.c.incident_id == row["incident_id"]) & (
        OUTSTANDING.c.partition != ""
    )
    listed = (
        sa.select(OUTSTANDING.c.partition)
        .where(of_incident)
        .order_by(OUTSTANDING.c.partition)
        .limit(_LISTED_PARTITIONS)
    )
    counted = sa.select(sa.func.count()).select_from(OUTSTANDING).where(of_incident)
    policies = policies_of(connection, {**row, "id": row["incident_id"]})
    return Incident(
        first=first_of(row),
        latest=latest_of(row),
        occurrences=row["occurrences"],
        partitions=tuple(connection.execute(listed).scalars()),
        partition_count=connection.execute(counted).scalar_one(),
        recovered_at=row["recovered_at"],
        description="\n\n".join(descriptions[name] for name in policies if name in descriptions),
        policies=policies,
        acknowledged_by=tuple(filter(None, (row["acknowledged_by"] or "").split(","))),
        escalated_at=row["escalated_at"],
    )


def next_call_at(connection: sa.Connection, *, now: float, timing: Timing = TIMING) -> float | None:
    """Return when the first destination with waiting messages is free; None if none waits."""
    waiting = _due(MESSAGES.alias("heads"), now, timing).order_by(None).subquery()
    query = sa.select(sa.func.min(sa.func.coalesce(waiting.c.next_call_at, now)))
    return connection.execute(query).scalar()


def use_destination(
    connection: sa.Connection, destination: Destination, values: Mapping[str, Any]
) -> None:
    """Record what is known about a destination, such as when it may be used next."""
    changed = connection.execute(
        sa.update(ADDRESSES).where(is_at(ADDRESSES, destination)).values(**values)
    )
    if changed.rowcount == 0:
        where = {"service": destination.service, "address": destination.address}
        defaults = {"next_call_at": 0.0, "failures": 0}
        connection.execute(sa.insert(ADDRESSES).values({**where, **defaults, **values}))
