"""Open incidents and the delivery of their messages."""

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import INSTANCE_LOCATION
from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.outbox.policies_in_force import runbook_of
from orchestration_platform.alerts.outbox.state import OutboxState, outbox_state
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mutes_in_force
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, destination_of
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.board.ids_by_time import first_id_since

_WINDOW_SECONDS = 30 * 24 * 3600.0


@dataclass(frozen=True, kw_only=True)
class OpenIncident:
    """An incident that has not recovered.

    Attributes:
        number: its number in the outbox.
        kind: what failed: Job, Assets, Asset check, ...
        subject: the name of what failed.
        location: its code location; empty for a daemon or a destination, as on the board.
        severity: info, warning, error or critical.
        text: the last error, on one line.
        first_at: when it began, in seconds since 1970, as all times here.
        occurrences: how often it happened.
        acknowledged_by: who has it; empty if nobody has.
        owners: of the assets.
        run_id: the last run; empty without one.
        assets: the assets concerned.
        last_success_at: when the subject last succeeded, if known.
        runbook: what to do, an address or a text; empty if nothing says.
    """

    number: int
    kind: str
    subject: str
    location: str
    severity: str
    text: str
    first_at: float
    occurrences: int
    acknowledged_by: str
    owners: tuple[str, ...]
    run_id: str
    assets: tuple[str, ...]
    last_success_at: float | None
    runbook: str

    @property
    def is_severe(self) -> bool:
        """Whether it is an error or worse, rather than a warning."""
        return self.severity in ("error", "critical")


@dataclass(frozen=True, kw_only=True)
class Alerting:
    """The alerts as a whole.

    Attributes:
        incidents: the open ones, the oldest first, one for each subject.
        outbox: what waits and what failed.
        by_destination: how many messages of the last 30 days are in each state, by destination.
        acknowledge_seconds: the median time to acknowledge an incident of the last 30 days.
        recover_seconds: the median time until it was over.
        mutes: the mutes in force.
    """

    incidents: tuple[OpenIncident, ...]
    outbox: OutboxState
    by_destination: Mapping[tuple[str, str], int]
    acknowledge_seconds: float | None
    recover_seconds: float | None
    mutes: tuple[Mute, ...]

    @property
    def destinations(self) -> Sequence[str]:
        """The destinations of these messages."""
        return sorted({destination for destination, _ in self.by_destination})

    @property
    def messages(self) -> Mapping[str, int]:
        """How many messages of the last 30 days are in each state."""
        found: Counter[str] = Counter()
        for (_, state), number in self.by_destination.items():
            found[state] += number
        return found


def alerting(
    connection: sa.Connection, *, now: float, policies: AlertPolicies | None = None
) -> Alerting:
    """Return the state of the alerts at ``now``, in seconds since 1970.

    Args:
        connection: to the outbox.
        now: the moment.
        policies: the policies in force, which may name runbooks.
    """
    since = now - _WINDOW_SECONDS
    incidents = INCIDENTS.c
    messages, opened = (
        first_id_since(connection, table.c.id, time, since)
        for table, time in ((MESSAGES, MESSAGES.c.created_at), (INCIDENTS, incidents.first_at))
    )
    columns = (MESSAGES.c.service, MESSAGES.c.address, MESSAGES.c.state)
    return Alerting(
        incidents=_open_incidents(connection, policies),
        outbox=outbox_state(connection),
        by_destination={
            (str(destination_of(row)), row["state"]): row["messages"]
            for row in connection.execute(
                sa.select(*columns, sa.func.count().label("messages"))
                .where(MESSAGES.c.id >= messages)
                .group_by(*columns)
            ).mappings()
        },
        acknowledge_seconds=_median(connection, incidents.acknowledged_at, opened),
        recover_seconds=_median(connection, incidents.recovered_at, opened),
        mutes=tuple(mutes_in_force(connection, now=now)),
    )


def _open_incidents(
    connection: sa.Connection, policies: AlertPolicies | None
) -> tuple[OpenIncident, ...]:
    query = (
        sa.select(INCIDENTS)
        .where(INCIDENTS.c.recovered_at.is_(None), INCIDENTS.c.event_type.not_in(GOOD_NEWS))
        .order_by(INCIDENTS.c.first_at)
    )
    found: dict[tuple[str, str, str], OpenIncident] = {}
    for row in connection.execute(query).mappings().all():
        alert = latest_of(row)
        # several policies may have one incident each for the same failure, and a failure a new one
        # after a while: the newest has the state, the oldest the beginning
        key = (row["location"], row["subject"], row["event_type"])
        found[key] = OpenIncident(
            number=row["id"],
            kind=alert.kind,
            subject=row["subject"],
            location="" if row["location"] == INSTANCE_LOCATION else row["location"],
            severity=alert.severity.value,
            text=_one_line(alert.problems[0].message if alert.problems else alert.event_type),
            first_at=found[key].first_at if key in found else row["first_at"],
            occurrences=row["occurrences"],
            acknowledged_by=row["acknowledged_by"] or "",
            owners=tuple(alert.owners),
            run_id=alert.run_id,
            assets=tuple(alert.assets),
            last_success_at=alert.last_success_at,
            runbook=runbook_of(connection, row, policies),
        )
    return tuple(found.values())


def _one_line(text: str) -> str:
    return text.strip().partition("\n")[0]


def _median(
    connection: sa.Connection, ended_at: sa.ColumnElement[float | None], first: int
) -> float | None:
    query = sa.select(ended_at - INCIDENTS.c.first_at).where(
        INCIDENTS.c.id >= first, ended_at.is_not(None)
    )
    waits = connection.execute(query).scalars().all()
    return statistics.median(waits) if waits else None
