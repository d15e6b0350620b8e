"""Incidents that several policies report at one place: one message, with all their names.

``INCIDENTS`` has the policy whose escalation applies, the strictest of them; ``FURTHER_POLICIES``
has the others. A policy that is muted, edited or removed takes nothing away from the others.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.outbox.messages import HEAD, WAITING
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.tables import FURTHER_POLICIES, INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.quiet_hours import Hold, hold_of


def policies_of(connection: sa.Connection, row: Any) -> tuple[str, ...]:
    """Return the names of the policies that report the incident ``row``."""
    query = (
        sa.select(FURTHER_POLICIES.c.policy)
        .where(FURTHER_POLICIES.c.incident_id == row["id"])
        .order_by(FURTHER_POLICIES.c.policy)
    )
    return tuple(dict.fromkeys([row["policy"], *connection.execute(query).scalars()]))


def in_force_of(
    connection: sa.Connection, row: Any, policies: Mapping[str, Policy]
) -> list[Policy]:
    """Return those of ``policies``, which are in force, that report the incident ``row``."""
    return [policies[name] for name in policies_of(connection, row) if name in policies]


def is_reported_by(policy: str) -> sa.ColumnElement[bool]:
    """Whether an incident is reported by the policy with this name."""
    further = sa.select(FURTHER_POLICIES.c.incident_id).where(FURTHER_POLICIES.c.policy == policy)
    return (INCIDENTS.c.policy == policy) | INCIDENTS.c.id.in_(further)


def common_hold(policies: Sequence[Policy], severity: Severity, *, now: float) -> Hold | None:
    """Return the quiet hours that are the first to end; None if a policy has none now."""
    holds: list[Hold] = []
    for policy in policies:
        hold = hold_of(policy.policy_options.quiet_hours, severity, now=now)
        if hold is None:
            return None
        holds.append(hold)
    return min(holds, key=lambda hold: hold.until, default=None)


def escalation_of(
    policies: Iterable[Policy], severity: Severity, *, since: float
) -> dict[str, Any]:
    """Return the changes by which the strictest escalation of ``policies`` applies."""
    due = [
        (at, policy.name)
        for policy in policies
        if (at := policy.escalates_at(severity, since=since)) is not None
    ]
    if not due:
        return {"escalates_at": None}
    at, name = min(due, key=lambda one: one[0])
    return {"escalates_at": at, "policy": name}


def add_policy(connection: sa.Connection, row: Any, name: str) -> None:
    """Record that the policy with this name reports the incident ``row`` too."""
    if name not in policies_of(connection, row):
        values = {"incident_id": row["id"], "policy": name}
        connection.execute(sa.insert(FURTHER_POLICIES).values(**values))


def let_escalate(connection: sa.Connection, row: Any, changes: Mapping[str, Any]) -> None:
    """Apply ``changes`` of :func:`escalation_of` to the incident ``row``; it keeps its policies."""
    names = policies_of(connection, row)
    is_meant = INCIDENTS.c.id == row["id"]
    connection.execute(sa.update(INCIDENTS).where(is_meant).values(**changes))
    for name in names:
        add_policy(connection, {**row, **changes}, name)


def escalate_first(
    connection: sa.Connection, row: Any, policy: Policy, severity: Severity, *, since: float
) -> None:
    """Let the escalation of ``policy`` apply if it is due before that of the incident."""
    if row["acknowledged_at"] is not None or row["escalations"]:
        return
    changes = escalation_of([policy], severity, since=since)
    at, known = changes["escalates_at"], row["escalates_at"]
    if at is not None and (known is None or at < known):
        let_escalate(connection, row, changes)


def send_earlier(
    connection: sa.Connection, incident_id: int, until: float | None, *, now: float
) -> None:
    """Hold what waits of an incident no longer than until ``until``; None: no longer."""
    latest = until or now
    is_meant = (
        (MESSAGES.c.incident_id == incident_id)
        & (MESSAGES.c.state == WAITING)
        & (MESSAGES.c.held_until > latest)
    )
    connection.execute(sa.update(MESSAGES).where(is_meant).values(held_until=until))
    is_held = (INCIDENTS.c.id == incident_id) & (INCIDENTS.c.last_entry_at > latest)
    connection.execute(sa.update(INCIDENTS).where(is_held).values(last_entry_at=latest))


def replace_lost_escalations(
    connection: sa.Connection, policies: Mapping[str, Policy], *, now: float
) -> None:
    """Let another policy of an incident escalate it if its own no longer can.

    Args:
        connection: of the caller's transaction.
        policies: the policies in force that escalate, by name.
        now: seconds since 1970.
    """
    is_silenced = sa.exists().where(
        MESSAGES.c.incident_id == INCIDENTS.c.id,
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.mute_id.is_not(None) | MESSAGES.c.cause_id.is_not(None),
    )
    others = sa.select(FURTHER_POLICIES.c.incident_id).where(
        FURTHER_POLICIES.c.policy.in_(list(policies))
    )
    query = sa.select(INCIDENTS).where(
        INCIDENTS.c.policy.not_in(list(policies)),
        INCIDENTS.c.id.in_(others),
        INCIDENTS.c.recovered_at.is_(None),
        INCIDENTS.c.acknowledged_at.is_(None),
        INCIDENTS.c.escalations == 0,
        ~is_silenced,
    )
    for row in connection.execute(query).mappings().all():
        left = in_force_of(connection, row, policies)
        let_escalate(connection, row, due_by_others(row, left, now=now))


def due_by_others(row: Any, policies: Sequence[Policy], *, now: float) -> dict[str, Any]:
    """Return the changes by which the strictest of ``policies`` escalates the incident ``row``."""
    changes = escalation_of(policies, latest_of(row).severity, since=row["first_at"])
    at = changes["escalates_at"]
    return changes if at is None else {**changes, "escalates_at": max(at, now)}
