"""Records each event once, whichever of Dagster's attempts reported it."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import UNKNOWN_LOCATION, Alert
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.outbox.incidents import count_attempt, count_failure, newest_open
from orchestration_platform.alerts.outbox.stored_alerts import UNREADABLE, unreadable_problem
from orchestration_platform.alerts.outbox.tables import OCCURRENCES
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.protocol.destination import Destination

ANNOUNCED = "announced"
# Dagster will retry, and the policy reports the failure only once Dagster gives up.
HELD = "held"
# Another attempt of a run that was announced already.
MERGED = "merged"
# It was held, and a later attempt succeeded.
RETRIED = "retried"
# The log of the run was read, whatever its content.
READ = "read"

_NO_POLICY = ""
# Before the last pass. Longer than the overlap in which events are read again.
_REMEMBERED_SECONDS = 600.0
_LONGEST_KEY = 100


def read_runs(connection: sa.Connection, run_ids: Iterable[str]) -> set[str]:
    """Return those of the runs whose log has been read."""
    query = sa.select(OCCURRENCES.c.key).where(
        OCCURRENCES.c.policy == _NO_POLICY, OCCURRENCES.c.key.in_(list(run_ids))
    )
    return set(connection.execute(query).scalars())


def remember_runs(connection: sa.Connection, run_ids: Sequence[str], *, now: float) -> None:
    """Record that the logs of the runs were read, for as long as they may be read again."""
    known = read_runs(connection, run_ids)
    rows = [
        {"policy": _NO_POLICY, "key": run_id, "chain": "", "state": READ, "at": now}
        for run_id in run_ids
        if run_id not in known
    ]
    if not rows:
        return
    is_read = OCCURRENCES.c.policy == _NO_POLICY
    # After a pause, what was read before it is read again in several batches.
    earlier = sa.select(sa.func.max(OCCURRENCES.c.at)).where(is_read, OCCURRENCES.c.at < now)
    last_pass = connection.execute(earlier).scalar()
    connection.execute(sa.insert(OCCURRENCES), rows)
    if last_pass is not None:
        connection.execute(
            sa.delete(OCCURRENCES).where(
                is_read, OCCURRENCES.c.at < last_pass - _REMEMBERED_SECONDS
            )
        )


def record_failure(  # all of it, or nothing
    connection: sa.Connection,
    policy: Policy,
    failure: Alert,
    *,
    destination: Destination,
    ui_url: str,
    will_be_retried: bool,
    now: float,
    key: str = "",
    parent_key: str = "",
    in_force: Collection[str] | None = None,
    timing: Timing = TIMING,
) -> str:
    """Record an event that the policy covers; return its state.

    Args:
        connection: of the caller's transaction.
        policy: the policy.
        failure: what has happened.
        destination: where the policy reports it.
        ui_url: where people open Dagster.
        will_be_retried: whether Dagster will start the run again.
        now: seconds since 1970.
        key: identifies the event; by default the id of the run.
        parent_key: for an automatic retry, the key of what it repeats; by default that run's id.
        in_force: the names of the policies in force; None: of all.
        timing: when a repeat is an entry, or a new message.
    """
    key, parent_key = key or failure.run_id, parent_key or (failure.parent if not key else "")
    if _is_known(connection, policy.name, key):
        return MERGED
    chain = _chain(connection, policy.name, key, parent_key)
    query = sa.select(OCCURRENCES).where(
        OCCURRENCES.c.policy == policy.name, OCCURRENCES.c.chain == chain
    )
    earlier = connection.execute(query).mappings().all()
    announced = [row["incident_id"] for row in earlier if row["state"] == ANNOUNCED]
    # if another run has recovered it since, it is reported again
    incident_id = newest_open(connection, announced) if announced else None
    held = policy.policy_options.announce == "retries_exhausted" and will_be_retried
    state = MERGED if incident_id is not None else HELD if held else ANNOUNCED
    if state == ANNOUNCED:
        incident_id = count_failure(
            connection,
            policy,
            failure,
            key=key,
            chain=chain,
            destination=destination,
            ui_url=ui_url,
            now=now,
            in_force=in_force,
            timing=timing,
        )
        _set_state(connection, [row["id"] for row in earlier], MERGED)
    elif incident_id is not None:
        count_attempt(connection, incident_id, failure, now=now)
    connection.execute(
        sa.insert(OCCURRENCES).values(
            policy=policy.name,
            key=key,
            chain=chain,
            state=state,
            incident_id=incident_id,
            at=failure.at,
            facts=failure.to_json() if state == HELD else None,
        )
    )
    return state


def _is_known(connection: sa.Connection, policy: str, key: str) -> bool:
    query = sa.select(OCCURRENCES.c.id).where(
        OCCURRENCES.c.policy == policy, OCCURRENCES.c.key == key
    )
    return connection.execute(query).scalar() is not None


@dataclass(frozen=True)
class Held:
    """A failure that waits for the result of a retry.

    Attributes:
        id: its row.
        policy: the name of the policy.
        key: the key it was recorded with.
        chain: the key of the first attempt.
        failure: what has happened.
    """

    id: int
    policy: str
    key: str
    chain: str
    failure: Alert


def held_failures(connection: sa.Connection) -> list[Held]:
    """Return the failures that wait for the result of a retry."""
    query = sa.select(OCCURRENCES).where(OCCURRENCES.c.state == HELD).order_by(OCCURRENCES.c.id)
    return [
        Held(row.id, row.policy, row.key, row.chain, _failure_of(row))
        for row in connection.execute(query)
    ]


def _failure_of(row: sa.Row[Any]) -> Alert:
    try:
        return Alert.from_json(row.facts)
    except UNREADABLE as error:
        # the key of a failed run is the run's id
        kind = EventType.JOB_FAILURE
        return Alert(
            event_type=kind.value,
            severity=kind.severity,
            kind="Run",
            subject=row.key,
            at=row.at,
            location=UNKNOWN_LOCATION,
            run_id=row.key,
            problems=(unreadable_problem(error),),
        )


def release(
    connection: sa.Connection,
    policy: Policy,
    occurrence_id: int,
    failure: Alert,
    *,
    destination: Destination,
    ui_url: str,
    now: float,
    in_force: Collection[str] | None = None,
    timing: Timing = TIMING,
) -> None:
    """Announce a held failure that no retry follows, once even if two processes try to."""
    is_held = (OCCURRENCES.c.id == occurrence_id) & (OCCURRENCES.c.state == HELD)
    found = connection.execute(
        sa.select(OCCURRENCES.c.key, OCCURRENCES.c.chain).where(is_held)
    ).first()
    taken = connection.execute(
        sa.update(OCCURRENCES).where(is_held).values(state=ANNOUNCED, facts=None)
    )
    if found is None or taken.rowcount == 0:
        return
    incident_id = count_failure(
        connection,
        policy,
        failure,
        key=found.key,
        chain=found.chain,
        destination=destination,
        ui_url=ui_url,
        now=now,
        in_force=in_force,
        timing=timing,
    )
    connection.execute(
        sa.update(OCCURRENCES)
        .where(OCCURRENCES.c.id == occurrence_id)
        .values(incident_id=incident_id)
    )


def settle_held(connection: sa.Connection, occurrence_ids: Sequence[int], state: str) -> None:
    """Set the state of failures that are still held and need no announcement."""
    _set_state(connection, occurrence_ids, state, of_state=HELD)


def _chain(connection: sa.Connection, policy: str, key: str, parent_key: str) -> str:
    """Return the key of the first attempt."""
    if not parent_key:
        return key
    query = sa.select(OCCURRENCES.c.chain).where(
        OCCURRENCES.c.policy == policy, OCCURRENCES.c.key == parent_key
    )
    # the parent comes from a tag, which may hold any text
    return connection.execute(query).scalar() or parent_key[:_LONGEST_KEY]


def _set_state(
    connection: sa.Connection, occurrence_ids: Sequence[int], state: str, *, of_state: str = ""
) -> None:
    is_meant = OCCURRENCES.c.id.in_(list(occurrence_ids))
    if of_state:
        is_meant &= OCCURRENCES.c.state == of_state
    connection.execute(sa.update(OCCURRENCES).where(is_meant).values(state=state, facts=None))
