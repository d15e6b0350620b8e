"""The end of incidents: what recovered, and what a person closes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.messages.message import Incident
from orchestration_platform.alerts.messages.thread import recovery_entry
from orchestration_platform.alerts.outbox.messages import (
    add_message,
    destinations_of,
    is_head_held,
    stay_silent,
    suppress_calls,
    suppress_waiting,
)
from orchestration_platform.alerts.outbox.outstanding import is_over
from orchestration_platform.alerts.outbox.sharing import common_hold, in_force_of
from orchestration_platform.alerts.outbox.stored_alerts import first_of, latest_of
from orchestration_platform.alerts.outbox.tables import INCIDENTS, OUTSTANDING
from orchestration_platform.alerts.policies.policy import Policy


def open_event_types(connection: sa.Connection) -> frozenset[str]:
    """Return the event types that have an open incident."""
    query = sa.select(INCIDENTS.c.event_type).where(INCIDENTS.c.recovered_at.is_(None)).distinct()
    return frozenset(connection.execute(query).scalars())


def record_recoveries(
    connection: sa.Connection,
    recoveries: Sequence[Recovery],
    *,
    policies: Mapping[str, Policy],
    now: float,
) -> None:
    """Close the incidents that the recoveries end.

    Args:
        connection: of the caller's transaction.
        recoveries: what has recovered, the earliest first.
        policies: the policies in force, by name.
        now: seconds since 1970.
    """
    kinds = {kind for recovery in recoveries for kind in recovery.event_types}
    if not kinds:
        return
    query = sa.select(INCIDENTS).where(
        INCIDENTS.c.event_type.in_(kinds), INCIDENTS.c.recovered_at.is_(None)
    )
    for row in connection.execute(query).mappings().all():
        failure = first_of(row)
        for recovery in recoveries:
            if row["event_type"] not in recovery.event_types or not recovery.puts_right(failure):
                continue
            # since then, the failure may have affected more of the job
            if not recovery.puts_right(latest_of(row)):
                continue
            if is_over(connection, row["id"], recovery):
                left = in_force_of(connection, row, policies)
                _close(connection, row, recovery, policies=left, now=now)
                break


def end_incident(
    connection: sa.Connection, row: Any, *, instead: str, policies: Sequence[Policy], now: float
) -> None:
    """Close the open incident ``row`` by hand, and report that as a recovery is reported.

    Args:
        connection: of the caller's transaction.
        row: the incident.
        instead: who ended it and why.
        policies: those of its policies that are in force.
        now: seconds since 1970.
    """
    connection.execute(sa.delete(OUTSTANDING).where(OUTSTANDING.c.incident_id == row["id"]))
    ended = Recovery.of_subject(row["subject"], (row["event_type"],), at=now, instead=instead)
    _close(connection, row, ended, policies=policies, now=now)


def _close(
    connection: sa.Connection,
    row: Any,
    recovery: Recovery,
    *,
    policies: Sequence[Policy],
    now: float,
) -> None:
    at, latest = recovery.at, replace(latest_of(row), instead=recovery.instead)
    is_reported = any(policy.policy_options.notify_on_recovery for policy in policies)
    values: dict[str, Any] = {"recovered_at": at, "changed_at": at, "escalates_at": None}
    if recovery.instead:
        values["latest"] = latest.to_json()
    if not policies or is_reported:
        # without a policy nobody is notified, but the message must not keep reporting a failure
        values["version"] = row["version"] + 1
    connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == row["id"]).values(**values))
    suppress_calls(connection, row["id"], why="it was over before this was sent")
    stay_silent(connection, row["id"])
    failure = first_of(row)
    hold = common_hold(policies, failure.severity, now=now)
    if hold and is_head_held(connection, row["id"], now=now):
        # people who got no message about the failure need none about its end
        if not hold.reports_recovered:
            suppress_waiting(connection, row["id"], why="recovered before quiet hours ended")
        return
    if not is_reported:
        return
    entry = recovery_entry(
        Incident(
            first=failure,
            latest=latest,
            occurrences=row["occurrences"],
            recovered_at=at,
        )
    )
    until = hold.until if hold else None
    for destination in destinations_of(connection, row["id"]):
        add_message(connection, row["id"], destination, entry, now=at, held_until=until)
