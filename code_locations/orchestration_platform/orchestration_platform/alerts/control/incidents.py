"""Incidents by hand: listed, shown, acknowledged and ended."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.control.person import Hand, record_action
from orchestration_platform.alerts.delivery.escalation import record_acknowledgement
from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.outbox.policies_in_force import runbook_of, stored_policies
from orchestration_platform.alerts.outbox.recoveries import end_incident
from orchestration_platform.alerts.outbox.sharing import (
    in_force_of,
    is_reported_by,
    policies_of,
)
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mute_of, mutes_in_force
from orchestration_platform.alerts.outbox.tables import (
    ACTIONS,
    DELIVERIES,
    FURTHER_POLICIES,
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
    OUTSTANDING,
    destination_of,
)
from orchestration_platform.alerts.policies.policy import Policy
from shared_lib.discovery.modules import did_you_mean

_SHOWN_NUMBERS = 10


def listed_incidents(
    connection: sa.Connection,
    *,
    location: str | None = None,
    policy: str | None = None,
    with_ended: bool = False,
    limit: int,
    now: float,
) -> list[dict[str, Any]]:
    """Return the newest incidents; only the open ones, without good news, unless ``with_ended``."""
    query = sa.select(INCIDENTS).order_by(INCIDENTS.c.id.desc()).limit(limit)
    if location is not None:
        query = query.where(INCIDENTS.c.location == location)
    if policy is not None:
        query = query.where(is_reported_by(policy))
    if not with_ended:
        is_open = INCIDENTS.c.recovered_at.is_(None) & INCIDENTS.c.event_type.not_in(GOOD_NEWS)
        query = query.where(is_open)
    mutes = mutes_in_force(connection, now=now)
    rows = connection.execute(query).mappings().all()
    return [_summary(connection, row, mutes) for row in rows]


def known_policies(connection: sa.Connection) -> list[str]:
    """Return the names of the policies that have incidents."""
    columns = (INCIDENTS.c.policy, FURTHER_POLICIES.c.policy)
    found = (connection.execute(sa.select(one).distinct()).scalars() for one in columns)
    return sorted({name for names in found for name in names})


def known_locations(connection: sa.Connection) -> list[str]:
    """Return the code locations that have incidents."""
    return sorted(connection.execute(sa.select(INCIDENTS.c.location).distinct()).scalars())


def shown_incident(connection: sa.Connection, number: int, *, now: float) -> dict[str, Any]:
    """Return an incident with its occurrences, messages, deliveries and actions.

    Raises:
        LookupError: there is no such incident.
    """
    row = _incident(connection, number)
    of_incident = sa.select(OUTSTANDING.c.partition).where(OUTSTANDING.c.incident_id == number)
    deliveries = (
        sa.select(DELIVERIES)
        .join(MESSAGES, MESSAGES.c.id == DELIVERIES.c.message_id)
        .where(MESSAGES.c.incident_id == number)
        .order_by(DELIVERIES.c.id)
    )
    received = _rows(connection, deliveries)
    latest = latest_of(row)
    return {
        **_summary(connection, row, mutes_in_force(connection, now=now)),
        "runbook": runbook_of(connection, row, stored_policies(connection)),
        "errors": [f"{one.error_class}: {one.message}" for one in latest.problems],
        "escalations": row["escalations"],
        "escalates_at": row["escalates_at"],
        "outstanding_partitions": sorted(
            filter(None, connection.execute(of_incident).scalars().all())
        ),
        "occurrences_by_key": _occurrences(connection, number),
        "messages": [
            {**_message(one), "recipients": _recipients(one, received)}
            for one in _rows(
                connection,
                sa.select(MESSAGES).where(MESSAGES.c.incident_id == number).order_by(MESSAGES.c.id),
            )
        ],
        "suppresses": _consequences(connection, number),
        "actions": [
            {name: one[name] for name in ("at", "person", "action", "reason")}
            for one in _rows(
                connection,
                sa.select(ACTIONS).where(ACTIONS.c.incident_id == number).order_by(ACTIONS.c.id),
            )
        ],
    }


def _occurrences(connection: sa.Connection, number: int) -> list[dict[str, Any]]:
    """Return the occurrences, each once, whichever policies report it."""
    query = (
        sa.select(OCCURRENCES)
        .where(OCCURRENCES.c.incident_id == number)
        .order_by(OCCURRENCES.c.at, OCCURRENCES.c.id)
    )
    found: dict[str, dict[str, Any]] = {}
    for one in _rows(connection, query):
        found.setdefault(one["key"], {name: one[name] for name in ("key", "at", "state")})
    return list(found.values())


def _cause_of(connection: sa.Connection, number: int) -> int | None:
    """Return the incident that explains an incident, so that it is not reported."""
    is_suppressed = (MESSAGES.c.incident_id == number) & MESSAGES.c.cause_id.is_not(None)
    return connection.execute(
        sa.select(sa.func.max(MESSAGES.c.cause_id)).where(is_suppressed)
    ).scalar()


def _consequences(connection: sa.Connection, number: int) -> list[dict[str, Any]]:
    """Return the occurrences that an incident explains, each once."""
    query = (
        sa.select(OCCURRENCES, INCIDENTS.c.event_type, INCIDENTS.c.location, INCIDENTS.c.subject)
        .join(INCIDENTS, INCIDENTS.c.id == OCCURRENCES.c.incident_id)
        .where(OCCURRENCES.c.cause_id == number)
        .order_by(OCCURRENCES.c.at, OCCURRENCES.c.id)
    )
    names = ("policy", "event_type", "location", "subject", "key", "at", "released_at")
    found: dict[tuple[int, str], dict[str, Any]] = {}
    for one in _rows(connection, query):
        state = "suppressed" if one["released_at"] is None else "reported late"
        described = {name: one[name] for name in names}
        found.setdefault(
            (one["incident_id"], one["key"]),
            {"incident": one["incident_id"], "state": state, **described},
        )
    return list(found.values())


def acknowledge(connection: sa.Connection, number: int, hand: Hand, *, now: float) -> str:
    """Acknowledge an incident, as a reaction in Slack does; return who had done so before.

    Raises:
        LookupError: there is no such incident.
        ValueError: it is over.
    """
    row = _incident(connection, number)
    if row["recovered_at"] is not None:
        raise ValueError(f"incident {number} is over: there is nothing to acknowledge")
    if row["acknowledged_at"] is not None:
        return row["acknowledged_by"] or "someone in Slack"
    record_acknowledgement(connection, row, (hand.person,), now=now)
    record_action(connection, hand, "ack", row["subject"], now=now, incident_id=number)
    return ""


def resolve(
    connection: sa.Connection,
    number: int,
    hand: Hand,
    *,
    policies: Mapping[str, Policy],
    now: float,
) -> bool:
    """End an incident and report that as a recovery; return whether it was open.

    Args:
        connection: of the caller's transaction.
        number: the incident.
        hand: who ends it, and why.
        policies: the policies in force, by name.
        now: seconds since 1970.

    Raises:
        LookupError: there is no such incident.
    """
    row = _incident(connection, number)
    if row["recovered_at"] is not None:
        return False
    left = in_force_of(connection, row, policies)
    end_incident(connection, row, instead=f"resolved by {hand}", policies=left, now=now)
    record_action(connection, hand, "resolve", row["subject"], now=now, incident_id=number)
    return True


def _incident(connection: sa.Connection, number: int) -> Any:
    query = sa.select(INCIDENTS).where(INCIDENTS.c.id == number)
    row = connection.execute(query).mappings().first()
    if row is None:
        opened = (
            sa.select(INCIDENTS.c.id)
            .where(INCIDENTS.c.recovered_at.is_(None))
            .order_by(INCIDENTS.c.id.desc())
        )
        numbers = [str(one) for one in connection.execute(opened).scalars()]
        near = did_you_mean(str(number), numbers)
        shown = ", ".join(numbers[:_SHOWN_NUMBERS]) or "none"
        raise LookupError(f"there is no incident {number}{near or f' (open: {shown})'}")
    return row


def _summary(connection: sa.Connection, row: Any, mutes: Sequence[Mute]) -> dict[str, Any]:
    latest = latest_of(row)
    policies = policies_of(connection, row)
    mute = None if row["recovered_at"] else mute_of(mutes, policies, latest)
    return {
        "number": row["id"],
        "policy": row["policy"],
        "policies": list(policies),
        "event_type": row["event_type"],
        "severity": latest.severity.value,
        "location": row["location"],
        "subject": row["subject"],
        "destination": str(destination_of(row)),
        "first_at": row["first_at"],
        "last_at": row["last_at"],
        "occurrences": row["occurrences"],
        "run_id": latest.run_id,
        "acknowledged_at": row["acknowledged_at"],
        "acknowledged_by": (row["acknowledged_by"] or "").split(",")
        if row["acknowledged_by"]
        else [],
        "recovered_at": row["recovered_at"],
        "ended": latest.instead,
        "muted": mute.why if mute else "",
        "suppressed_by": _cause_of(connection, row["id"]),
    }


def _message(row: Any) -> dict[str, Any]:
    kind = row["kind"] if row["body"] is None else json.loads(row["body"])["kind"]
    names = ("state", "attempts", "created_at", "held_until", "delivered_at", "error")
    return {
        "id": row["id"],
        "destination": str(destination_of(row)),
        "kind": kind,
        **{name: row[name] for name in names},
    }


def _recipients(message: Any, received: Sequence[Any]) -> list[dict[str, Any]]:
    names = ("recipient", "state", "note", "error")
    return [
        {name: one[name] for name in names}
        for one in received
        if one["message_id"] == message["id"]
    ]


def _rows(connection: sa.Connection, query: sa.Select[Any]) -> Sequence[Any]:
    return connection.execute(query).mappings().all()
