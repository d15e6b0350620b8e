"""Mutes by hand: begun, ended and listed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.control.person import Hand, record_action
from orchestration_platform.alerts.control.waiting import settle
from orchestration_platform.alerts.outbox.messages import SUPPRESSED, WAITING
from orchestration_platform.alerts.outbox.sharing import policies_of
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.mutes import (
    Mute,
    all_mutes,
    mute_of,
    mutes_in_force,
)
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, MUTES
from shared_lib.discovery.modules import did_you_mean

LONGEST_SECONDS = 31 * 86400.0


def check_names(
    subject: Mapping[str, str], known: Mapping[str, Sequence[str]], *, problem: str
) -> None:
    """Check that what is to be muted exists.

    Args:
        subject: names by kind: policy, location, job, asset; empty for any.
        known: the names that exist, by kind.
        problem: why some may be missing; empty if none is.

    Raises:
        ValueError: nothing is named.
        LookupError: a name is unknown; the text names similar ones.
    """
    if not any(subject.values()):
        raise ValueError("nothing is named: enter --job, --asset, --policy or --location")
    for kind, name in subject.items():
        if name and name not in known[kind]:
            near = did_you_mean(name, known[kind])
            noun = "code location" if kind == "location" else kind
            raise LookupError(f"there is no {noun} {name}{near}{problem and f' ({problem})'}")


def mute(
    connection: sa.Connection,
    subject: Mapping[str, str],
    hand: Hand,
    *,
    until: float,
    now: float,
    in_force: Collection[str] | None = None,
) -> Mute:
    """Mute what ``subject`` names, and suppress what waits of it; return the mute.

    A message that another process is sending at this moment is sent.

    Args:
        connection: of the caller's transaction.
        subject: names by kind: policy, location, job, asset; empty for any.
        hand: who mutes it, and why.
        until: when it ends, in seconds since 1970.
        now: seconds since 1970.
        in_force: the names of the policies in force; None: of all.

    Raises:
        ValueError: it would end now or before, or after more than 31 days.
    """
    if until <= now:
        raise ValueError("the mute would be over already: enter a time that is ahead, in UTC")
    if until > now + LONGEST_SECONDS:
        raise ValueError("the mute would last for more than 31 days: disable the policy instead")
    values = {**subject, "person": hand.person, "reason": hand.reason}
    result = connection.execute(
        sa.insert(MUTES).values(**values, muted_at=now, muted_until=until, ended_by="")
    )
    [number] = result.inserted_primary_key or [0]
    [begun] = [one for one in mutes_in_force(connection, now=now) if one.id == number]
    record_action(connection, hand, "mute", begun.subject, now=now)
    _suppress_waiting(connection, begun, in_force, now=now)
    return begun


def unmute(connection: sa.Connection, number: int, hand: Hand, *, now: float) -> tuple[Mute, bool]:
    """End a mute; return it, and whether it was in force.

    Raises:
        LookupError: there is no such mute.
    """
    mutes = {one.id: one for one in all_mutes(connection)}
    if number not in mutes:
        in_force = ", ".join(str(one.id) for one in mutes_in_force(connection, now=now))
        raise LookupError(f"there is no mute {number} (in force: {in_force or 'none'})")
    ended = mutes[number]
    if ended.ended_at is not None or ended.muted_until <= now:
        return ended, False
    values = {"ended_at": now, "ended_by": str(hand)}
    connection.execute(sa.update(MUTES).where(MUTES.c.id == number).values(**values))
    # escalations that were put off until the mute would have ended
    was_put_off = INCIDENTS.c.escalates_at == ended.muted_until
    connection.execute(
        sa.update(INCIDENTS)
        .where(was_put_off, INCIDENTS.c.recovered_at.is_(None))
        .values(escalates_at=now)
    )
    record_action(connection, hand, "unmute", ended.subject, now=now)
    return ended, True


def _suppress_waiting(
    connection: sa.Connection, begun: Mute, in_force: Collection[str] | None, *, now: float
) -> None:
    is_free = MESSAGES.c.claimed_until.is_(None) | (MESSAGES.c.claimed_until < now)
    query = (
        sa.select(MESSAGES)
        .join(INCIDENTS, INCIDENTS.c.id == MESSAGES.c.incident_id)
        .where(MESSAGES.c.state == WAITING, is_free, INCIDENTS.c.recovered_at.is_(None))
    )
    mutes = mutes_in_force(connection, now=now)
    incidents: dict[int, bool] = {}
    for row in connection.execute(query).mappings().all():
        number = row["incident_id"]
        if number not in incidents:
            of = sa.select(INCIDENTS).where(INCIDENTS.c.id == number)
            incident: Any = connection.execute(of).mappings().one()
            shared, latest = policies_of(connection, incident), latest_of(incident)
            names = [one for one in shared if in_force is None or one in in_force] or shared
            is_meant = any(begun.fits(name, latest) for name in names)
            incidents[number] = is_meant and mute_of(mutes, names, latest) is not None
        if incidents[number]:
            settle(connection, [row], SUPPRESSED, begun.why, mute_id=begun.id)
