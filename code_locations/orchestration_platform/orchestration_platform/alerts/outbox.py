"""What is to be at Slack, and what became of it: the durable half of every delivery."""

import json
import random
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.alert import Alert
from orchestration_platform.alerts.message import Content, Incident
from orchestration_platform.alerts.tables import CHANNELS, INCIDENTS, MESSAGES, OUTSTANDING

HEAD = "head"
ENTRY = "entry"

WAITING = "waiting"
DELIVERED = "delivered"
FAILED = "failed"

# Slack accepts a message a second in a channel.
SECONDS_BETWEEN_CALLS = 1.05
# A message is brought up to date when its failure has been quiet for a while, or at the latest
# after some minutes, so that a storm costs few calls.
QUIET_SECONDS = 30.0
LONGEST_STALE_SECONDS = 600.0
# Longer than any call to Slack takes. A claim that is older was made by a process that has died.
CLAIM_SECONDS = 60.0

_LONGEST_PAUSE_SECONDS = 60.0
_LISTED_PARTITIONS = 20


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A message that this process, and no other, is about to send.

    Attributes:
        message_id: its row.
        key: goes with the message, so that it can be recognised at Slack.
        kind: the head of a thread, or an entry in it.
        channel: where to, by name.
        channel_id: the same by Slack's number, once it is known.
        ts: Slack's name of the message, when it is there already.
        thread_ts: of an entry, its head.
        version: what the head says by now.
        incident: of a head, what it has to say.
        body: of an entry, what it says.
        is_plain: the blocks were refused, send the text alone.
        is_unsure: an earlier attempt may have reached Slack.
        first_attempt_at: when it was first tried, in seconds since 1970.
    """

    message_id: int
    key: str
    kind: str
    channel: str
    channel_id: str | None
    ts: str | None
    thread_ts: str | None
    version: int
    incident: Incident | None
    body: Content | None
    is_plain: bool
    is_unsure: bool
    first_attempt_at: float


def add_message(
    connection: sa.Connection,
    incident_id: int,
    channel: str,
    content: Content | None,
    *,
    now: float,
) -> None:
    """Put a message into the outbox: an entry of the thread, or without content its head."""
    connection.execute(
        sa.insert(MESSAGES).values(
            key=uuid.uuid4().hex,
            incident_id=incident_id,
            channel=channel,
            kind=HEAD if content is None else ENTRY,
            body=None if content is None else json.dumps(content),
            state=WAITING,
            sent_version=0,
            plain=False,
            unsure=False,
            attempts=0,
            created_at=now,
        )
    )


def claim_next(
    connection: sa.Connection, *, now: float, descriptions: Mapping[str, str]
) -> Claim | None:
    """Take the most urgent message that may be sent now: what is new before what has changed.

    Args:
        connection: of a transaction; the claim counts when it is committed.
        now: seconds since 1970.
        descriptions: what the messages of a policy have to say beside, by its name.
    """
    heads = MESSAGES.alias("heads")
    is_free = CHANNELS.c.next_call_at.is_(None) | (CHANNELS.c.next_call_at <= now)
    row = connection.execute(_due(heads, now).where(is_free).limit(1)).mappings().first()
    if row is None:
        return None
    first_attempt_at = row["first_attempt_at"] or now
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.id == row["id"])
        .values(
            claimed_until=now + CLAIM_SECONDS,
            attempts=row["attempts"] + 1,
            first_attempt_at=first_attempt_at,
        )
    )
    _use_channel(connection, row["channel"], {"next_call_at": now + SECONDS_BETWEEN_CALLS})
    return Claim(
        message_id=row["id"],
        key=row["key"],
        kind=row["kind"],
        channel=row["channel"],
        channel_id=row["channel_id"],
        ts=row["ts"],
        thread_ts=row["head_ts"] if row["kind"] == ENTRY else None,
        version=row["version"],
        incident=_incident(connection, row, descriptions) if row["kind"] == HEAD else None,
        body=json.loads(row["body"]) if row["body"] else None,
        is_plain=row["plain"],
        is_unsure=row["unsure"] or row["claimed_until"] is not None,
        first_attempt_at=first_attempt_at,
    )


def _due(heads: Any, now: float) -> sa.Select[Any]:
    is_new = (MESSAGES.c.kind == HEAD) & (MESSAGES.c.state == WAITING)
    is_entry = (MESSAGES.c.kind == ENTRY) & (MESSAGES.c.state == WAITING) & heads.c.ts.is_not(None)
    is_stale = (
        (MESSAGES.c.kind == HEAD)
        & (MESSAGES.c.state == DELIVERED)
        & (MESSAGES.c.sent_version < INCIDENTS.c.version)
        & (
            INCIDENTS.c.recovered_at.is_not(None)
            | (INCIDENTS.c.changed_at <= now - QUIET_SECONDS)
            | (MESSAGES.c.delivered_at <= now - LONGEST_STALE_SECONDS)
        )
    )
    urgency = sa.case(
        (is_new, 0), (INCIDENTS.c.recovered_at.is_not(None), 1), (is_entry, 2), else_=3
    )
    return (
        sa.select(
            MESSAGES,
            CHANNELS.c.channel_id,
            CHANNELS.c.next_call_at,
            heads.c.ts.label("head_ts"),
            *(
                INCIDENTS.c[name]
                for name in ("policy", "facts", "latest", "occurrences", "recovered_at", "version")
            ),
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .join(heads, (heads.c.incident_id == MESSAGES.c.incident_id) & (heads.c.kind == HEAD))
        .outerjoin(CHANNELS, CHANNELS.c.name == MESSAGES.c.channel)
        .where(
            is_new | is_entry | is_stale,
            MESSAGES.c.claimed_until.is_(None) | (MESSAGES.c.claimed_until < now),
        )
        .order_by(urgency, MESSAGES.c.id)
    )


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
    return Incident(
        first=Alert.from_json(row["facts"]),
        latest=Alert.from_json(row["latest"]),
        occurrences=row["occurrences"],
        partitions=tuple(connection.execute(listed).scalars()),
        partition_count=connection.execute(counted).scalar_one(),
        recovered_at=row["recovered_at"],
        description=descriptions.get(row["policy"], ""),
    )


def next_call_at(connection: sa.Connection, *, now: float) -> float | None:
    """When the first channel is free again that something waits for; nothing when none does."""
    waiting = _due(MESSAGES.alias("heads"), now).order_by(None).subquery()
    query = sa.select(sa.func.min(sa.func.coalesce(waiting.c.next_call_at, now)))
    return connection.execute(query).scalar()


def record_delivery(
    connection: sa.Connection,
    claim: Claim,
    *,
    ts: str,
    channel_id: str,
    version: int,
    now: float,
    note: str | None = None,
) -> None:
    """Slack has the message, saying ``version``; ``note`` is kept for whoever lists it."""
    _give_back(
        connection,
        claim,
        {
            "state": DELIVERED,
            "ts": ts,
            "sent_version": version,
            "delivered_at": now,
            "unsure": False,
            "error": note,
        },
    )
    known = {"channel_id": channel_id, "failures": 0, "reason": None}
    _use_channel(connection, claim.channel, known)


def record_pause(
    connection: sa.Connection,
    claim: Claim,
    *,
    reason: str,
    retry_after: float | None,
    is_unsure: bool,
    now: float,
) -> None:
    """Slack did not take the message: the channel pauses, longer each time if it does not say."""
    _give_back(
        connection,
        claim,
        {"unsure": claim.is_unsure or is_unsure, "error": reason},
    )
    query = sa.select(CHANNELS.c.failures).where(CHANNELS.c.name == claim.channel)
    failures = (connection.execute(query).scalar() or 0) + 1
    pause = min(2.0 ** min(failures - 1, 10), _LONGEST_PAUSE_SECONDS) * random.uniform(0.75, 1.25)  # noqa: S311 - no secret
    at = now + (pause if retry_after is None else retry_after)
    _use_channel(
        connection, claim.channel, {"next_call_at": at, "failures": failures, "reason": reason}
    )


def record_refusal(connection: sa.Connection, claim: Claim, *, reason: str) -> bool:
    """Slack will not have the message as it is; gives whether it is tried again as plain text."""
    if not claim.is_plain:
        _give_back(connection, claim, {"plain": True, "unsure": claim.is_unsure, "error": reason})
        return True
    if claim.ts is not None:
        _give_back(connection, claim, {"sent_version": claim.version, "error": reason})
        return False
    _give_back(connection, claim, {"state": FAILED, "error": reason})
    if claim.kind == HEAD:
        of_thread = sa.select(MESSAGES.c.incident_id).where(MESSAGES.c.id == claim.message_id)
        connection.execute(
            sa.update(MESSAGES)
            .where(MESSAGES.c.incident_id.in_(of_thread), MESSAGES.c.state == WAITING)
            .values(state=FAILED, error="the head of its thread was refused")
        )
    return False


def record_disappearance(connection: sa.Connection, claim: Claim) -> None:
    """Somebody has deleted the message, or the head of its thread: it is posted anew."""
    _give_back(connection, claim, {})
    query = sa.select(MESSAGES.c.incident_id).where(MESSAGES.c.id == claim.message_id)
    incident_id = connection.execute(query).scalar_one()
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.incident_id == incident_id, MESSAGES.c.kind == HEAD)
        .values(state=WAITING, ts=None, unsure=False, error="was deleted at Slack")
    )


def _give_back(connection: sa.Connection, claim: Claim, values: dict[str, Any]) -> None:
    connection.execute(
        sa.update(MESSAGES)
        .where(MESSAGES.c.id == claim.message_id)
        .values(claimed_until=None, **values)
    )


def _use_channel(connection: sa.Connection, name: str, values: dict[str, Any]) -> None:
    changed = connection.execute(
        sa.update(CHANNELS).where(CHANNELS.c.name == name).values(**values)
    )
    if changed.rowcount == 0:
        defaults = {"name": name, "next_call_at": 0.0, "failures": 0}
        connection.execute(sa.insert(CHANNELS).values(**{**defaults, **values}))


@dataclass(frozen=True)
class OutboxState:
    """How much waits, for how long, and why.

    Attributes:
        waiting: messages that Slack has not.
        oldest_at: since when the oldest of them waits, in seconds since 1970.
        failed: messages that were given up, because Slack refused them as plain text too.
        reasons: what the channels said last, by name.
    """

    waiting: int
    oldest_at: float | None
    failed: int
    reasons: Mapping[str, str]


def outbox_state(connection: sa.Connection) -> OutboxState:
    """Look at the outbox as a whole."""
    waiting = sa.select(sa.func.count(), sa.func.min(MESSAGES.c.created_at)).where(
        MESSAGES.c.state == WAITING
    )
    count, oldest = connection.execute(waiting).one()
    failed = sa.select(sa.func.count()).where(MESSAGES.c.state == FAILED)
    reasons = sa.select(CHANNELS.c.name, CHANNELS.c.reason).where(CHANNELS.c.reason.is_not(None))
    return OutboxState(
        waiting=count,
        oldest_at=oldest,
        failed=connection.execute(failed).scalar_one(),
        reasons={row.name: row.reason for row in connection.execute(reasons)},
    )


def listed_messages(connection: sa.Connection, *, limit: int) -> Sequence[Mapping[str, Any]]:
    """The newest messages with what became of them."""
    query = (
        sa.select(
            MESSAGES.c.id, MESSAGES.c.kind, MESSAGES.c.state, MESSAGES.c.channel,
            MESSAGES.c.attempts, MESSAGES.c.created_at, MESSAGES.c.delivered_at, MESSAGES.c.error,
            INCIDENTS.c.policy, INCIDENTS.c.location, INCIDENTS.c.subject,
            INCIDENTS.c.occurrences, INCIDENTS.c.recovered_at,
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .order_by(MESSAGES.c.id.desc())
        .limit(limit)
    )  # fmt: skip
    return [dict(row) for row in connection.execute(query).mappings()]
