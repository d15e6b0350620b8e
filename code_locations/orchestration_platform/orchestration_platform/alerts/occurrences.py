"""Each failed run once, whichever of Dagster's attempts it was."""

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from orchestration_platform.alerts.alert import Alert
from orchestration_platform.alerts.incidents import count_attempt, count_failure
from orchestration_platform.alerts.policies import Policy
from orchestration_platform.alerts.tables import OCCURRENCES

ANNOUNCED = "announced"
# Dagster will try again, and the policy wants to know only when it gives up.
HELD = "held"
# A further attempt of a run that was announced already.
MERGED = "merged"
# Was held, and a later attempt succeeded.
RETRIED = "retried"


def known_runs(connection: sa.Connection, policy: str, run_ids: Iterable[str]) -> set[str]:
    """Those of the runs whose failure the policy has had already."""
    query = sa.select(OCCURRENCES.c.run_id).where(
        OCCURRENCES.c.policy == policy, OCCURRENCES.c.run_id.in_(list(run_ids))
    )
    return set(connection.execute(query).scalars())


def record_failure(  # all of it, or nothing
    connection: sa.Connection,
    policy: Policy,
    failure: Alert,
    *,
    channel: str,
    ui_url: str,
    will_be_retried: bool,
    now: float,
) -> str:
    """Take note of a failed run that the policy covers; gives what became of it."""
    if known_runs(connection, policy.name, [failure.run_id]):
        return MERGED
    chain = _chain(connection, policy.name, failure)
    query = sa.select(OCCURRENCES).where(
        OCCURRENCES.c.policy == policy.name, OCCURRENCES.c.chain == chain
    )
    earlier = connection.execute(query).mappings().all()
    announced = [row for row in earlier if row["state"] == ANNOUNCED]
    held = policy.policy_options.announce == "retries_exhausted" and will_be_retried
    state = MERGED if announced else HELD if held else ANNOUNCED
    incident_id = announced[0]["incident_id"] if announced else None
    if state == ANNOUNCED:
        incident_id = count_failure(
            connection, policy, failure, channel=channel, ui_url=ui_url, now=now
        )
        _set_state(connection, [row["id"] for row in earlier], MERGED)
    elif incident_id is not None:
        count_attempt(connection, incident_id, failure, now=now)
    connection.execute(
        sa.insert(OCCURRENCES).values(
            policy=policy.name,
            run_id=failure.run_id,
            chain=chain,
            state=state,
            incident_id=incident_id,
            at=failure.at,
            facts=failure.to_json() if state == HELD else None,
        )
    )
    return state


def held_failures(connection: sa.Connection, policy: str) -> list[tuple[int, Alert]]:
    """The failures that wait for what a retry will bring."""
    query = sa.select(OCCURRENCES.c.id, OCCURRENCES.c.facts).where(
        OCCURRENCES.c.policy == policy, OCCURRENCES.c.state == HELD
    )
    return [(row.id, Alert.from_json(row.facts)) for row in connection.execute(query)]


def release(
    connection: sa.Connection,
    policy: Policy,
    occurrence_id: int,
    failure: Alert,
    *,
    channel: str,
    ui_url: str,
    now: float,
) -> None:
    """Announce a failure that was held: no retry is coming."""
    incident_id = count_failure(
        connection, policy, failure, channel=channel, ui_url=ui_url, now=now
    )
    connection.execute(
        sa.update(OCCURRENCES)
        .where(OCCURRENCES.c.id == occurrence_id)
        .values(state=ANNOUNCED, incident_id=incident_id, facts=None)
    )


def settle_held(connection: sa.Connection, occurrence_ids: Sequence[int], state: str) -> None:
    """Say of failures that were held what became of them without an announcement."""
    _set_state(connection, occurrence_ids, state)


def _chain(connection: sa.Connection, policy: str, failure: Alert) -> str:
    """The run that was first, of a run and Dagster's retries of it."""
    if not failure.parent:
        return failure.run_id
    query = sa.select(OCCURRENCES.c.chain).where(
        OCCURRENCES.c.policy == policy, OCCURRENCES.c.run_id == failure.parent
    )
    return connection.execute(query).scalar() or failure.parent


def _set_state(connection: sa.Connection, occurrence_ids: Sequence[int], state: str) -> None:
    connection.execute(
        sa.update(OCCURRENCES)
        .where(OCCURRENCES.c.id.in_(list(occurrence_ids)))
        .values(state=state, facts=None)
    )
