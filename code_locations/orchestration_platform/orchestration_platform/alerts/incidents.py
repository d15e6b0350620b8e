"""Failures that go on: opened, counted and closed, inside one transaction of the caller's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.alert import Alert
from orchestration_platform.alerts.message import (
    Incident,
    recovery_entry,
    repeat_entry,
    trace_entry,
)
from orchestration_platform.alerts.outbox import add_message
from orchestration_platform.alerts.policies import Policy
from orchestration_platform.alerts.tables import INCIDENTS, LONGEST_PARTITION, OUTSTANDING

# A thread gets a line for a repeat at most this often.
SECONDS_BETWEEN_ENTRIES = 20 * 60


def locations_with_incidents(connection: sa.Connection) -> set[str]:
    """The code locations of which something has failed and not yet succeeded."""
    query = sa.select(INCIDENTS.c.location).where(INCIDENTS.c.recovered_at.is_(None)).distinct()
    return set(connection.execute(query).scalars())


@dataclass(frozen=True, kw_only=True)
class Success:
    """A run that succeeded.

    Attributes:
        location: its code location.
        job_name: its job.
        assets: what it was to make; empty for a job of ops.
        partition: its partition.
        started_at: seconds since 1970; a failure during the run is not put right by it.
        ended_at: seconds since 1970.
    """

    location: str
    job_name: str
    assets: frozenset[str]
    partition: str
    started_at: float
    ended_at: float

    def puts_right(self, failure: Alert) -> bool:
        """Whether it did what ``failure`` failed to do, partitions apart."""
        if failure.subject == failure.job_name:
            return self.job_name == failure.job_name
        return bool(self.assets) and failure.failed_assets <= self.assets


def record_success(connection: sa.Connection, success: Success, *, tell: Sequence[str]) -> None:
    """Close what a successful run has put right: all that failed so before it started.

    Args:
        connection: of the caller's transaction.
        success: the run.
        tell: names of the policies that tell people of it.
    """
    query = sa.select(INCIDENTS).where(
        INCIDENTS.c.location == success.location, INCIDENTS.c.recovered_at.is_(None)
    )
    for row in connection.execute(query).mappings().all():
        if not success.puts_right(Alert.from_json(row["facts"])):
            continue
        of_incident = OUTSTANDING.c.incident_id == row["id"]
        connection.execute(
            sa.delete(OUTSTANDING).where(
                of_incident,
                OUTSTANDING.c.partition == success.partition[:LONGEST_PARTITION],
                OUTSTANDING.c.failed_at <= success.started_at,
            )
        )
        left = sa.select(sa.func.count()).select_from(OUTSTANDING).where(of_incident)
        if connection.execute(left).scalar_one() == 0:
            _close(connection, row, success.ended_at, is_told=row["policy"] in tell)


def _close(connection: sa.Connection, row: Any, at: float, *, is_told: bool) -> None:
    values: dict[str, Any] = {"recovered_at": at, "changed_at": at}
    if is_told:
        values["version"] = row["version"] + 1
    _update(connection, row["id"], values)
    if is_told:
        entry = recovery_entry(
            Incident(
                first=Alert.from_json(row["facts"]),
                latest=Alert.from_json(row["latest"]),
                occurrences=row["occurrences"],
                recovered_at=at,
            )
        )
        add_message(connection, row["id"], row["channel"], entry, now=at)


def count_failure(
    connection: sa.Connection,
    policy: Policy,
    failure: Alert,
    *,
    channel: str,
    ui_url: str,
    now: float,
) -> int:
    """Count a failure in the incident that it belongs to, or open one; gives its number."""
    oldest = now - policy.policy_options.new_message_after_hours * 3600
    query = (
        sa.select(INCIDENTS)
        .where(
            INCIDENTS.c.policy == policy.name,
            INCIDENTS.c.fingerprint == failure.fingerprint,
            INCIDENTS.c.channel == channel,
            INCIDENTS.c.recovered_at.is_(None),
            INCIDENTS.c.last_at >= oldest,
        )
        .order_by(INCIDENTS.c.id.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().first()
    if row is None:
        incident_id = _open(connection, policy, failure, channel=channel, now=now)
    else:
        incident_id = row["id"]
        occurrences = row["occurrences"] + 1
        latest = failure if failure.at >= row["last_at"] else Alert.from_json(row["latest"])
        values: dict[str, Any] = {
            "occurrences": occurrences,
            "latest": latest.to_json(),
            "first_at": min(row["first_at"], failure.at),
            "last_at": latest.at,
            "version": row["version"] + 1,
            "changed_at": now,
        }
        if now - row["last_entry_at"] >= SECONDS_BETWEEN_ENTRIES:
            values["last_entry_at"] = now
            entry = repeat_entry(failure, occurrences, ui_url=ui_url)
            add_message(connection, incident_id, channel, entry, now=now)
        _update(connection, incident_id, values)
    _require(connection, incident_id, failure)
    return incident_id


def _open(
    connection: sa.Connection, policy: Policy, failure: Alert, *, channel: str, now: float
) -> int:
    result = connection.execute(
        sa.insert(INCIDENTS).values(
            policy=policy.name,
            fingerprint=failure.fingerprint,
            location=failure.location,
            subject=failure.subject,
            channel=channel,
            first_at=failure.at,
            last_at=failure.at,
            occurrences=1,
            facts=failure.to_json(),
            latest=failure.to_json(),
            version=1,
            changed_at=now,
            last_entry_at=now,
        )
    )
    [incident_id] = result.inserted_primary_key or [0]
    add_message(connection, incident_id, channel, None, now=now)
    entry = trace_entry(failure)
    if entry:
        add_message(connection, incident_id, channel, entry, now=now)
    return incident_id


def _require(connection: sa.Connection, incident_id: int, failure: Alert) -> None:
    """The failed partition has to succeed before the incident is over."""
    this = (OUTSTANDING.c.incident_id == incident_id) & (
        OUTSTANDING.c.partition == failure.partition[:LONGEST_PARTITION]
    )
    connection.execute(sa.delete(OUTSTANDING).where(this))
    connection.execute(
        sa.insert(OUTSTANDING).values(
            incident_id=incident_id,
            partition=failure.partition[:LONGEST_PARTITION],
            failed_at=failure.at,
        )
    )


def count_attempt(
    connection: sa.Connection, incident_id: int, failure: Alert, *, now: float
) -> None:
    """A further attempt has failed: the message shows it, and counts it as no new failure."""
    query = sa.select(INCIDENTS.c.version, INCIDENTS.c.last_at).where(INCIDENTS.c.id == incident_id)
    row = connection.execute(query).one()
    values: dict[str, Any] = {"version": row.version + 1, "changed_at": now}
    if failure.at >= row.last_at:
        values |= {"latest": failure.to_json(), "last_at": failure.at}
    _update(connection, incident_id, values)
    _require(connection, incident_id, failure)


def _update(connection: sa.Connection, incident_id: int, values: dict[str, Any]) -> None:
    connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == incident_id).values(**values))
