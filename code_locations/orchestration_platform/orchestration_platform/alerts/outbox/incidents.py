"""Incidents: opened and counted within the caller's transaction."""

from collections.abc import Collection, Sequence
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.messages.thread import (
    Entry,
    repeat_entry,
    trace_entry,
)
from orchestration_platform.alerts.outbox.messages import (
    HEAD,
    REDIRECTED,
    add_message,
    is_head_held,
    is_head_silenced,
    stay_silent,
)
from orchestration_platform.alerts.outbox.outstanding import require
from orchestration_platform.alerts.outbox.sharing import (
    add_policy,
    escalate_first,
    policies_of,
    send_earlier,
)
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.late_reports import report_late
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mute_of, mutes_in_force
from orchestration_platform.alerts.outbox.tables import (
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
    destination_of,
    is_at,
)
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.policies.quiet_hours import hold_of
from orchestration_platform.alerts.services.protocol.destination import Destination


def count_failure(
    connection: sa.Connection,
    policy: Policy,
    failure: Alert,
    *,
    key: str,
    chain: str = "",
    destination: Destination,
    ui_url: str,
    now: float,
    in_force: Collection[str] | None = None,
    timing: Timing = TIMING,
) -> int:
    """Count a failure in the incident that it belongs to, or open one; return the incident's id.

    What several policies report at one place belongs to one incident, and is counted once. One that
    is not among the names ``in_force`` reports nothing any more; None: all are in force.
    """
    query = (
        sa.select(INCIDENTS)
        .where(
            INCIDENTS.c.fingerprint == failure.fingerprint,
            _is_reported_at(destination),
            INCIDENTS.c.recovered_at.is_(None),
        )
        .order_by(INCIDENTS.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is not None and _is_counted(connection, row["id"], key, chain or key):
        _share(connection, row, policy, failure, now=now)
        return row["id"]
    shared = policies_of(connection, row) if row else ()
    names = {policy.name, *(one for one in shared if in_force is None or one in in_force)}
    mutes = mutes_in_force(connection, now=now)
    mute = mute_of(mutes, names, failure)
    is_silenced = row is not None and is_head_silenced(connection, row["id"])
    # nothing ends good news, so what was muted is not counted on once the mute is over
    goes_on = row is not None and not (
        is_silenced and mute is None and failure.severity is Severity.INFO
    )
    if row is None or not goes_on or not _goes_on(row, policy, failure, timing=timing):
        if is_silenced and row is not None:
            # the new message is the one to report when the silence ends
            stay_silent(connection, row["id"])
        mute = mute_of(mutes, [policy.name], failure)
        incident_id = _open(
            connection, policy, failure, destination=destination, mute=mute, now=now
        )
        if row is not None and failure.severity is not Severity.INFO:
            _take_over_escalation(connection, incident_id, row)
    else:
        incident_id = row["id"]
        occurrences = row["occurrences"] + 1
        latest = failure if failure.at >= row["last_at"] else latest_of(row)
        values: dict[str, Any] = {
            "occurrences": occurrences,
            "latest": latest.to_json(),
            "first_at": min(row["first_at"], failure.at),
            "last_at": latest.at,
            "version": row["version"] + 1,
            "changed_at": now,
        }
        # of what is silenced, the message will have the count
        if not is_silenced and now - row["last_entry_at"] >= timing.between_entries:
            entry = repeat_entry(failure, occurrences, ui_url=ui_url)
            values |= _add_repeat(
                connection, policy, row, entry, failure.severity, mute=mute, now=now
            )
        _update(connection, incident_id, values)
        _share(connection, row, policy, failure, now=now)
    require(connection, incident_id, failure)
    return incident_id


def _is_counted(connection: sa.Connection, incident_id: int, key: str, chain: str) -> bool:
    """Whether another policy there has counted this failure, or an earlier attempt of it."""
    query = sa.select(OCCURRENCES.c.id).where(
        OCCURRENCES.c.incident_id == incident_id,
        (OCCURRENCES.c.key == key) | (OCCURRENCES.c.chain == chain),
    )
    return connection.execute(query.limit(1)).scalar() is not None


def _share(
    connection: sa.Connection, row: Any, policy: Policy, failure: Alert, *, now: float
) -> None:
    """Let ``policy`` report the incident ``row``, as early and as strictly as it says."""
    names = policies_of(connection, row)
    if names == (policy.name,):
        return
    hold = hold_of(policy.policy_options.quiet_hours, failure.severity, now=now)
    until = hold.until if hold else None
    is_muted = mute_of(mutes_in_force(connection, now=now), [policy.name], failure)
    if not is_muted:
        send_earlier(connection, row["id"], until, now=now)
    if policy.name not in names:
        add_policy(connection, row, policy.name)
        # the message names it
        _update(connection, row["id"], {"version": INCIDENTS.c.version + 1, "changed_at": now})
        if not is_muted and not is_head_silenced(connection, row["id"]):
            since = until or now
            escalate_first(connection, row, policy, failure.severity, since=since)
    if not is_muted:
        report_late(connection, row, [policy], MESSAGES.c.mute_id.is_not(None), now=now)


def _is_reported_at(destination: Destination) -> sa.ColumnElement[bool]:
    """Whether the incident is reported at ``destination``, or was until it was redirected."""
    was_there = sa.exists().where(
        MESSAGES.c.incident_id == INCIDENTS.c.id,
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state == REDIRECTED,
        is_at(MESSAGES, destination),
    )
    return is_at(INCIDENTS, destination) | was_there


def _goes_on(row: Any, policy: Policy, failure: Alert, *, timing: Timing) -> bool:
    """Whether ``failure`` belongs to the open incident ``row``, or needs a new message.

    It may have happened long ago: what counts is the silence before it.
    """
    if failure.severity is Severity.INFO:
        return row["first_at"] >= failure.at - timing.good_news
    return row["last_at"] >= failure.at - policy.policy_options.new_message_after_hours * 3600


def _take_over_escalation(connection: sa.Connection, incident_id: int, older: Any) -> None:
    """Escalate only the newest message of a failure, at the time that was set for an older one.

    Otherwise a daily failure with ``escalate_after`` of 36 hours would never be escalated.
    """
    is_older = (
        (INCIDENTS.c.fingerprint == older["fingerprint"])
        & _is_reported_at(destination_of(older))
        & INCIDENTS.c.recovered_at.is_(None)
        & (INCIDENTS.c.id < incident_id)
    )
    # also one that is due, and that no pass has come to
    is_first = INCIDENTS.c.escalations == 0
    query = sa.select(sa.func.min(INCIDENTS.c.escalates_at)).where(is_older, is_first)
    due = connection.execute(query).scalar()
    if due is not None:
        is_later = (INCIDENTS.c.id == incident_id) & (INCIDENTS.c.escalates_at > due)
        connection.execute(sa.update(INCIDENTS).where(is_later).values(escalates_at=due))
    is_due = is_older & INCIDENTS.c.escalates_at.is_not(None)
    connection.execute(sa.update(INCIDENTS).where(is_due).values(escalates_at=None))


def _add_repeat(
    connection: sa.Connection,
    policy: Policy,
    row: Any,
    entry: Entry,
    severity: Severity,
    *,
    mute: Mute | None,
    now: float,
) -> dict[str, Any]:
    """Add an entry for a repeat, at most one in quiet hours; return the incident's changes."""
    hold = hold_of(policy.policy_options.quiet_hours, severity, now=now)
    if hold and is_head_held(connection, row["id"], now=now):
        # the message itself will have the count
        return {}
    until = hold.until if hold else None
    where = destination_of(row)
    add_message(connection, row["id"], where, entry, now=now, held_until=until, mute=mute)
    return {"last_entry_at": until or now}


def _open(
    connection: sa.Connection,
    policy: Policy,
    failure: Alert,
    *,
    destination: Destination,
    mute: Mute | None,
    now: float,
) -> int:
    hold = hold_of(policy.policy_options.quiet_hours, failure.severity, now=now)
    until = hold.until if hold else None
    result = connection.execute(
        sa.insert(INCIDENTS).values(
            policy=policy.name,
            fingerprint=failure.fingerprint,
            location=failure.location,
            subject=failure.subject,
            event_type=failure.event_type,
            service=destination.service,
            address=destination.address,
            first_at=failure.at,
            last_at=failure.at,
            occurrences=1,
            facts=failure.to_json(),
            latest=failure.to_json(),
            version=1,
            changed_at=now,
            last_entry_at=now,
            # when a mute ends, this is decided
            escalates_at=None
            if mute
            else policy.escalates_at(failure.severity, since=until or now),
        )
    )
    [incident_id] = result.inserted_primary_key or [0]
    trace = trace_entry(failure)
    for entry in (None, trace) if trace else (None,):
        add_message(
            connection, incident_id, destination, entry, now=now, held_until=until, mute=mute
        )
    return incident_id


def newest_open(connection: sa.Connection, incident_ids: Sequence[int]) -> int | None:
    """Return the newest of the incidents that is open, or None."""
    query = sa.select(sa.func.max(INCIDENTS.c.id)).where(
        INCIDENTS.c.id.in_(incident_ids), INCIDENTS.c.recovered_at.is_(None)
    )
    return connection.execute(query).scalar()


def count_attempt(
    connection: sa.Connection, incident_id: int, failure: Alert, *, now: float
) -> None:
    """Show another failed attempt in the message without counting a new failure."""
    query = sa.select(INCIDENTS.c.version, INCIDENTS.c.last_at).where(INCIDENTS.c.id == incident_id)
    row = connection.execute(query).one()
    values: dict[str, Any] = {"version": row.version + 1, "changed_at": now}
    if failure.at >= row.last_at:
        values |= {"latest": failure.to_json(), "last_at": failure.at}
    _update(connection, incident_id, values)
    require(connection, incident_id, failure)


def _update(connection: sa.Connection, incident_id: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(**values))
