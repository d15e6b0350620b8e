"""Reports of incidents that were suppressed and are still open, each once and with its count."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.outbox.messages import HEAD, IS_TRACE, WAITING
from orchestration_platform.alerts.outbox.sharing import (
    common_hold,
    escalation_of,
    let_escalate,
)
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import Policy


def report_late(
    connection: sa.Connection,
    row: Any,
    policies: Sequence[Policy],
    is_suppressed: sa.ColumnElement[bool],
    *,
    now: float,
) -> bool:
    """Put the suppressed message of an open incident back into the outbox.

    Args:
        connection: of the caller's transaction.
        row: the incident.
        policies: those of its policies that are in force.
        is_suppressed: whether a message is suppressed by what has ended.
        now: seconds since 1970.

    Returns:
        whether its message was suppressed, and not only repeats of it.
    """
    of_incident = is_suppressed & (MESSAGES.c.incident_id == row["id"])
    if connection.execute(sa.select(MESSAGES.c.id).where(of_incident).limit(1)).first() is None:
        return False
    # the message has the count; its repeats need no entries
    due = of_incident & ((MESSAGES.c.kind == HEAD) | IS_TRACE)
    severity = latest_of(row).severity
    hold = common_hold(policies, severity, now=now)
    until = hold.until if hold else None
    forgotten = {"mute_id": None, "cause_id": None}
    anew = {
        "state": WAITING,
        "error": None,
        "created_at": now,
        "held_until": until,
        **forgotten,
    }
    sent = connection.execute(sa.update(MESSAGES).where(due).values(**anew)).rowcount
    connection.execute(sa.update(MESSAGES).where(of_incident).values(**forgotten))
    values = {"last_entry_at": now if sent else 0.0}
    connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == row["id"]).values(**values))
    if sent and row["acknowledged_at"] is None:
        escalation = escalation_of(policies, severity, since=until or now)
        let_escalate(connection, row, escalation)
    return bool(sent)
