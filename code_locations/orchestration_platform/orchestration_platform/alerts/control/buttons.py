"""What a button below a message does: the same as the commands ack, resolve and mute."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.control.incidents import acknowledge, resolve
from orchestration_platform.alerts.control.muting import mute
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.messages.formats.slack_buttons import Button
from orchestration_platform.alerts.messages.thread import mute_entry
from orchestration_platform.alerts.outbox.messages import add_message, destinations_of
from orchestration_platform.alerts.outbox.sharing import policies_of
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.mutes import mute_of, mutes_in_force
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, PRESSES
from orchestration_platform.alerts.policies.policy import Policy

MUTE_SECONDS = 3600.0
# Slack delivers a press that is not acknowledged again within minutes.
_REMEMBERED_SECONDS = 86400.0


@dataclass(frozen=True)
class Press:
    """Somebody has pressed a button.

    Attributes:
        id: the service's id of the press, the same when it is delivered again.
        button: which button.
        key: the key of the message below which it is.
        hand: who pressed it.
    """

    id: str
    button: Button
    key: str
    hand: Hand


@dataclass(frozen=True)
class Outcome:
    """What a press has done.

    Attributes:
        text: for the person who pressed the button.
        incident: the incident; None if the message belongs to none.
    """

    text: str
    incident: int | None = None


def apply(
    connection: sa.Connection, press: Press, *, policies: Mapping[str, Policy], now: float
) -> Outcome | None:
    """Do what the button says; return what it has done, None if the press was applied before.

    Args:
        connection: of the caller's transaction.
        press: who has pressed which button.
        policies: the policies in force, by name.
        now: seconds since 1970.
    """
    if not _is_new(connection, press.id, now=now):
        return None
    head = sa.select(MESSAGES.c.incident_id).where(MESSAGES.c.key == press.key)
    query = sa.select(INCIDENTS).where(INCIDENTS.c.id.in_(head))
    row = connection.execute(query).mappings().first()
    if row is None:
        return Outcome("This message belongs to no incident: it is a test, or too old.")
    return Outcome(_applied(connection, row, press, policies, now=now), row["id"])


def _is_new(connection: sa.Connection, press_id: str, *, now: float) -> bool:
    is_old = PRESSES.c.at < now - _REMEMBERED_SECONDS
    connection.execute(sa.delete(PRESSES).where(is_old))
    known = sa.select(PRESSES.c.id).where(PRESSES.c.id == press_id)
    if connection.execute(known).first() is not None:
        return False
    connection.execute(sa.insert(PRESSES).values(id=press_id, at=now))
    return True


def _applied(
    connection: sa.Connection,
    row: Any,
    press: Press,
    policies: Mapping[str, Policy],
    *,
    now: float,
) -> str:
    number, hand = row["id"], press.hand
    if row["recovered_at"] is not None:
        instead = latest_of(row).instead
        why = f": {instead}" if instead else ""
        return f"Incident {number} is over since {_moment(row['recovered_at'])}{why}."
    match press.button:
        case Button.ACKNOWLEDGE:
            earlier = acknowledge(connection, number, hand, now=now)
            if earlier:
                return f"Incident {number} was acknowledged before."
            return f"Incident {number} is acknowledged by you."
        case Button.RESOLVE:
            resolve(connection, number, hand, policies=policies, now=now)
            return f"Incident {number} is resolved by you."
        case Button.MUTE:
            return _muted(connection, row, hand, list(policies), now=now)


def _muted(
    connection: sa.Connection, row: Any, hand: Hand, in_force: list[str], *, now: float
) -> str:
    latest, shared = latest_of(row), policies_of(connection, row)
    names = [name for name in shared if name in in_force] or list(shared)
    earlier = mute_of(mutes_in_force(connection, now=now), names, latest)
    if earlier:
        return f"Incident {row['id']} is {earlier.why}."
    until = now + MUTE_SECONDS
    begun = [
        mute(connection, subject, hand, until=until, now=now, in_force=in_force)
        for subject in _subjects(latest, names)
    ]
    for destination in destinations_of(connection, row["id"]):
        entry = mute_entry(begun[0].subject, str(hand), until=until)
        add_message(connection, row["id"], destination, entry, now=now)
    numbers = ", ".join(str(one.id) for one in begun)
    what = " and ".join(one.subject for one in begun)
    return f"Nobody is notified of {what} until {_moment(until)} (mute {numbers})."


def _subjects(latest: Alert, policies: list[str]) -> list[dict[str, str]]:
    """Return what to mute: the asset or the job; of anything else, its code location by policy."""
    nothing = {"policy": "", "location": latest.location, "job": "", "asset": ""}
    if len(latest.assets) == 1 and latest.event_type.startswith("ASSET_"):
        return [{**nothing, "location": "", "asset": latest.assets[0]}]
    if latest.job_name and latest.job_name == latest.subject:
        return [{**nothing, "job": latest.job_name}]
    return [{**nothing, "policy": name} for name in policies]


def _moment(at: float) -> str:
    shown = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    # in the zone and language of the reader
    return f"<!date^{at:.0f}^{{date_short_pretty}} {{time}}|{shown}>"
