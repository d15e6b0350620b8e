"""Inhibition: an incident that is reported suppresses the messages about its consequences.

============================= ================================================================
cause                         consequences
============================= ================================================================
a code location does not load launches of its runs, its ticks that lack its code, stale assets
a failed run                  the assets and checks of the run
a destination accepts nothing the check ``alerts_delivered``, where it is reported there
============================= ================================================================

People who have the message about the cause need none about its consequences, so a consequence is
suppressed only where the cause is reported. Each suppressed occurrence is recorded with its cause.
If the cause is over and a consequence is still open, the consequence is reported.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.event_types import GOOD_NEWS, EventType
from orchestration_platform.alerts.outbox.messages import (
    DELIVERED,
    HEAD,
    IS_REPEAT,
    IS_TRACE,
    REDIRECTED,
    SUPPRESSED,
    WAITING,
)
from orchestration_platform.alerts.outbox.sharing import in_force_of
from orchestration_platform.alerts.outbox.stored_alerts import first_of, latest_of
from orchestration_platform.alerts.outbox.suppression.late_reports import report_late
from orchestration_platform.alerts.outbox.suppression.missing_code import may_lack_code
from orchestration_platform.alerts.outbox.suppression.mutes import Mute, mute_of, mutes_in_force
from orchestration_platform.alerts.outbox.suppression.outages import (
    CONSEQUENCE,
    OUTAGE,
    follow_outages,
)
from orchestration_platform.alerts.outbox.tables import (
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
    destination_of,
)
from orchestration_platform.alerts.policies.policy import Policy
from orchestration_platform.alerts.services.protocol.destination import Destination

# The webserver may notice that a location does not load only after its first runs have failed.
NOTICED_SECONDS = 600.0

_OF_RUNS = frozenset(kind for kind in EventType if kind.value.startswith("ASSET_")) - GOOD_NEWS
_IS_SILENCED = MESSAGES.c.cause_id.is_not(None) & (MESSAGES.c.state == SUPPRESSED)


@dataclass(frozen=True)
class _Cause:
    """An open incident that may explain others.

    Attributes:
        id: the incident.
        what: what it is, for people.
        since: what happened before cannot be a consequence, in seconds since 1970.
        places: where it is reported, each with the time before which that message is not sent.
    """

    id: int
    what: str
    since: float
    places: Mapping[Destination, float]

    def explains_at(self, message: Any) -> bool:
        """Return whether people learn of the cause no later than they would of ``message``."""
        held_until = self.places.get(destination_of(message))
        return held_until is not None and held_until <= (message["held_until"] or 0.0)


@dataclass(frozen=True)
class _Causes:
    """The open incidents that may explain others.

    Attributes:
        locations: by code location.
        runs: by run.
        outages: by destination.
    """

    locations: Mapping[str, Sequence[_Cause]]
    runs: Mapping[str, Sequence[_Cause]]
    outages: Mapping[Destination, _Cause]

    def of(self, message: Any) -> _Cause | None:
        """Return what explains ``message``, of an open incident, where it is reported too."""
        possible: list[_Cause] = []
        if message["location"] in self.locations and _may_lack_code(message):
            possible += self.locations[message["location"]]
        if message["event_type"] in _OF_RUNS:
            possible += self.runs.get(latest_of(message).run_id, ())
        if message["subject"] == CONSEQUENCE and destination_of(message) in self.outages:
            possible.append(self.outages[destination_of(message)])
        for cause in possible:
            if message["last_at"] >= cause.since and cause.explains_at(message):
                return cause
        return None


def inhibit(connection: sa.Connection, *, policies: Mapping[str, Policy], now: float) -> int:
    """Suppress what open incidents explain, and report what outlasts its cause.

    Args:
        connection: of the caller's transaction.
        policies: the policies in force, by name; what was suppressed of others stays suppressed.
        now: seconds since 1970.

    Returns:
        how many messages and entries it has suppressed.
    """
    waiting = _waiting(connection, now=now)
    explained = (destination_of(one) for one in waiting if one["subject"] == CONSEQUENCE)
    outages = follow_outages(connection, explained, now=now)
    if _report_what_is_left(connection, outages.values(), policies, now=now):
        waiting = _waiting(connection, now=now)
    causes = _causes(connection, waiting, outages, list(policies), now=now)
    suppressed = _suppress(connection, waiting, causes)
    _record_repeats(connection)
    return suppressed


def _waiting(connection: sa.Connection, *, now: float) -> Sequence[Any]:
    """Return the messages of open incidents that no service has or may have."""
    heads = MESSAGES.alias("heads")
    # a trace belongs to a message that is not sent either
    is_meant = (MESSAGES.c.kind == HEAD) | IS_REPEAT | (IS_TRACE & (heads.c.state == WAITING))
    query = (
        sa.select(
            MESSAGES.c.id.label("message_id"), MESSAGES.c.kind, MESSAGES.c.held_until,
            MESSAGES.c.service, MESSAGES.c.address, MESSAGES.c.head_id,
            heads.c.state.label("head_state"),
            *(INCIDENTS.c[name] for name in (
                "id", "event_type", "location", "subject", "first_at", "last_at", "facts", "latest",
            )),
        )
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .outerjoin(heads, heads.c.id == MESSAGES.c.head_id)
        .where(
            MESSAGES.c.state == WAITING,
            is_meant,
            MESSAGES.c.claimed_until.is_(None),
            MESSAGES.c.unsure.is_(False),
            # it was sent before, and deleted
            MESSAGES.c.delivered_at.is_(None),
            INCIDENTS.c.recovered_at.is_(None),
            INCIDENTS.c.event_type.not_in(GOOD_NEWS),
        )
        .order_by(MESSAGES.c.id)
    )  # fmt: skip
    rows = connection.execute(query).mappings().all()
    return [{**row, "held_until": _still_held(row["held_until"], now)} for row in rows]


def _may_lack_code(message: Any) -> bool:
    """Whether a code location that does not load may explain all that ``message`` reports."""
    # a repeat of what was reported before is about the last failure alone
    reported = (first_of, latest_of) if message["kind"] == HEAD else (latest_of,)
    return all(may_lack_code(alert_of(message)) for alert_of in reported)


def _still_held(held_until: float | None, now: float) -> float:
    return held_until if held_until is not None and held_until > now else 0.0


def _causes(
    connection: sa.Connection,
    waiting: Sequence[Any],
    outages: Mapping[Destination, int],
    policies: Sequence[str],
    *,
    now: float,
) -> _Causes:
    """Return what may explain the messages that wait."""
    locations = {row["location"] for row in waiting}
    runs = {latest_of(row).run_id for row in waiting if row["event_type"] in _OF_RUNS} - {""}
    is_open = INCIDENTS.c.recovered_at.is_(None)
    broken = connection.execute(
        sa.select(INCIDENTS).where(
            INCIDENTS.c.event_type == EventType.CODE_LOCATION_ERROR,
            INCIDENTS.c.subject.in_(locations),
            is_open,
        )
    ).mappings().all()  # fmt: skip
    failed = connection.execute(
        sa.select(OCCURRENCES.c.key, INCIDENTS)
        .join(INCIDENTS, INCIDENTS.c.id == OCCURRENCES.c.incident_id)
        .where(
            INCIDENTS.c.event_type == EventType.JOB_FAILURE,
            # the key of a failed run is the run's id
            OCCURRENCES.c.policy.in_(policies),
            OCCURRENCES.c.key.in_(runs),
            is_open,
        )
    ).mappings().all()  # fmt: skip
    places = _places(connection, {row["id"] for row in [*broken, *failed]}, now=now)

    def cause(row: Any, what: str, since: float) -> _Cause:
        return _Cause(row["id"], what, since, places.get(row["id"], {}))

    return _Causes(
        locations=_by_key(
            (
                row["subject"],
                cause(
                    row,
                    f"code location {row['subject']} does not load",
                    row["first_at"] - NOTICED_SECONDS,
                ),
            )
            for row in broken
        ),
        runs=_by_key((row["key"], cause(row, "its run has failed", 0.0)) for row in failed),
        outages={
            where: _Cause(number, f"{where} accepts nothing", 0.0, {where: 0.0})
            for where, number in outages.items()
        },
    )


def _by_key(causes: Iterable[tuple[str, _Cause]]) -> dict[str, list[_Cause]]:
    """Return the causes by key; several policies may report one, at places of their own."""
    found: dict[str, list[_Cause]] = {}
    for key, cause in causes:
        found.setdefault(key, []).append(cause)
    return found


def _places(
    connection: sa.Connection, incidents: Iterable[int], *, now: float
) -> dict[int, dict[Destination, float]]:
    """Return where each incident is reported, and until when quiet hours hold that message."""
    query = sa.select(MESSAGES).where(
        MESSAGES.c.incident_id.in_(list(incidents)),
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state.in_((WAITING, DELIVERED)),
    )
    found: dict[int, dict[Destination, float]] = {}
    for row in connection.execute(query).mappings():
        until = 0.0 if row["state"] == DELIVERED else _still_held(row["held_until"], now)
        found.setdefault(row["incident_id"], {})[destination_of(row)] = until
    return found


def _suppress(connection: sa.Connection, waiting: Sequence[Any], causes: _Causes) -> int:
    suppressed: set[int] = set()
    for row in waiting:
        cause = causes.of(row)
        # a message that may be at the service keeps its entries
        belongs = row["head_state"] == WAITING and row["head_id"] not in suppressed
        if cause is None or belongs:
            continue
        why = f"suppressed by incident {cause.id}: {cause.what}"
        changed = {"state": SUPPRESSED, "error": why, "cause_id": cause.id}
        is_meant = MESSAGES.c.id == row["message_id"]
        connection.execute(sa.update(MESSAGES).where(is_meant).values(**changed))
        if row["kind"] == HEAD:
            never = sa.update(INCIDENTS).where(INCIDENTS.c.id == row["id"])
            connection.execute(never.values(escalates_at=None))
        else:
            # a repeat of what was reported before; the message has the others
            _record(connection, row["id"], cause.id, since=row["last_at"])
        suppressed.add(row["message_id"])
    return len(suppressed)


def _record(connection: sa.Connection, incident_id: int, cause_id: int, *, since: float) -> None:
    is_new = (
        (OCCURRENCES.c.incident_id == incident_id)
        & OCCURRENCES.c.cause_id.is_(None)
        & (OCCURRENCES.c.at >= since)
    )
    connection.execute(sa.update(OCCURRENCES).where(is_new).values(cause_id=cause_id))


def _record_repeats(connection: sa.Connection) -> None:
    """Record the cause with all occurrences of incidents whose message is suppressed."""
    cause = (
        sa.select(sa.func.max(MESSAGES.c.cause_id))
        .where(MESSAGES.c.incident_id == OCCURRENCES.c.incident_id)
        .where(MESSAGES.c.kind == HEAD, _IS_SILENCED)
        .scalar_subquery()
    )
    silenced = sa.select(MESSAGES.c.incident_id).where(MESSAGES.c.kind == HEAD, _IS_SILENCED)
    is_new = OCCURRENCES.c.incident_id.in_(silenced) & OCCURRENCES.c.cause_id.is_(None)
    connection.execute(sa.update(OCCURRENCES).where(is_new).values(cause_id=cause))


def _report_what_is_left(
    connection: sa.Connection,
    outages: Iterable[int],
    policies: Mapping[str, Policy],
    *,
    now: float,
) -> int:
    """Report the open incidents whose cause is over, or is reported there no more; count them."""
    causes = INCIDENTS.alias("causes")
    query = (
        sa.select(
            INCIDENTS,
            MESSAGES.c.cause_id,
            MESSAGES.c.service.label("at_service"),
            MESSAGES.c.address.label("at_address"),
            causes.c.event_type.label("cause_type"),
            causes.c.recovered_at.label("cause_over_at"),
        )
        .join_from(INCIDENTS, MESSAGES, MESSAGES.c.incident_id == INCIDENTS.c.id)
        .outerjoin(causes, causes.c.id == MESSAGES.c.cause_id)
        .where(_IS_SILENCED, INCIDENTS.c.recovered_at.is_(None))
        .order_by(INCIDENTS.c.id)
    )
    found = connection.execute(query).mappings().all()
    places = _places(connection, {row["cause_id"] for row in found}, now=now)
    moved = _moved(connection, {row["cause_id"] for row in found})
    runs = _runs_of(connection, {row["cause_id"] for row in found})
    rows = {row["id"]: row for row in found if not _is_explained(row, outages, places, moved, runs)}
    in_force = mutes_in_force(connection, now=now) if rows else []
    reported = 0
    for row in rows.values():
        # the check runs again and again: what it found during the outage is out of date
        is_repeated = row["cause_over_at"] is None or row["last_at"] > row["cause_over_at"]
        if row["cause_type"] == OUTAGE and not is_repeated:
            continue
        left = in_force_of(connection, row, policies)
        if not left:
            continue
        mute = mute_of(in_force, [one.name for one in left], latest_of(row))
        if mute:
            _mute(connection, row["id"], mute)
            continue
        report_late(connection, row, left, _IS_SILENCED, now=now)
        is_meant = (OCCURRENCES.c.incident_id == row["id"]) & OCCURRENCES.c.cause_id.is_not(None)
        again = is_meant & OCCURRENCES.c.released_at.is_(None)
        connection.execute(sa.update(OCCURRENCES).where(again).values(released_at=now))
        reported += 1
    return reported


def _is_explained(
    row: Any,
    outages: Iterable[int],
    places: Mapping[int, Mapping[Destination, float]],
    moved: Collection[tuple[int, Destination]],
    runs: Collection[tuple[int, str]],
) -> bool:
    """Whether the cause is open, reported at the same place, and explains the last occurrence."""
    if row["cause_over_at"] is not None:
        return False
    if row["cause_id"] in outages:
        return True
    where, there = Destination(row["at_service"], row["at_address"]), places.get(row["cause_id"])
    if not there or (where not in there and (row["cause_id"], where) not in moved):
        return False
    if row["cause_type"] == EventType.CODE_LOCATION_ERROR:
        return may_lack_code(latest_of(row))
    of_run = row["cause_type"] == EventType.JOB_FAILURE
    return not of_run or (row["cause_id"], latest_of(row).run_id) in runs


def _moved(connection: sa.Connection, incidents: Iterable[int]) -> set[tuple[int, Destination]]:
    """Return where each incident was reported before a person redirected it."""
    query = sa.select(MESSAGES).where(
        MESSAGES.c.incident_id.in_(list(incidents)),
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state == REDIRECTED,
    )
    rows = connection.execute(query).mappings()
    return {(row["incident_id"], destination_of(row)) for row in rows}


def _runs_of(connection: sa.Connection, incidents: Iterable[int]) -> set[tuple[int, str]]:
    query = sa.select(OCCURRENCES.c.incident_id, OCCURRENCES.c.key).where(
        OCCURRENCES.c.incident_id.in_(list(incidents))
    )
    return {(row.incident_id, row.key) for row in connection.execute(query)}


def _mute(connection: sa.Connection, incident_id: int, mute: Mute) -> None:
    """Leave it to the end of a mute to report the incident."""
    is_meant = _IS_SILENCED & (MESSAGES.c.incident_id == incident_id)
    by_mute = {"error": mute.why, "mute_id": mute.id, "cause_id": None}
    connection.execute(sa.update(MESSAGES).where(is_meant).values(**by_mute))
