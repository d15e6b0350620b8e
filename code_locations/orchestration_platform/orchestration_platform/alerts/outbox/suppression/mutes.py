"""Mutes: for a while, people are not notified of a job, an asset, a policy or a code location.

What happens meanwhile is recorded, and its messages are stored as suppressed. When a mute ends,
what is still open then is reported once, with its count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.outbox.messages import SUPPRESSED
from orchestration_platform.alerts.outbox.sharing import in_force_of
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.suppression.late_reports import report_late
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, MUTES
from orchestration_platform.alerts.policies.policy import Policy


@dataclass(frozen=True, kw_only=True)
class Mute:
    """What is muted; every subject that is named must match.

    Attributes:
        id: its row.
        policy: the name of a policy; empty for any, as below.
        location: a code location.
        job: the name of a job.
        asset: the key of an asset.
        person: who muted it.
        reason: why.
        muted_at: since when, in seconds since 1970, as below.
        muted_until: until when.
        ended_at: when somebody ended it earlier; None if nobody has.
        ended_by: who that was, and why.
    """

    id: int
    policy: str
    location: str
    job: str
    asset: str
    person: str
    reason: str
    muted_at: float
    muted_until: float
    ended_at: float | None
    ended_by: str

    @property
    def subject(self) -> str:
        """What is muted, such as ``job plain_job of code location shop``."""
        named = {
            "policy": self.policy,
            "job": self.job,
            "asset": self.asset,
            "code location": self.location,
        }
        return " of ".join(f"{kind} {name}" for kind, name in named.items() if name)

    @property
    def why(self) -> str:
        """Why a message is not sent."""
        until = datetime.fromtimestamp(self.muted_until, UTC)
        return f"muted by {self.person} until {until:%Y-%m-%d %H:%M} UTC: {self.reason}"

    def fits(self, policy: str, alert: Alert) -> bool:
        """Return whether it mutes ``alert`` of ``policy``.

        A mute of an asset does not hide that others failed in the same run.
        """
        return (
            self.policy in ("", policy)
            and self.location in ("", alert.location)
            and self.job in ("", alert.job_name)
            and (not self.asset or set(alert.assets) == {self.asset})
        )


def mutes_in_force(connection: sa.Connection, *, now: float) -> list[Mute]:
    """Return the mutes in force, the one that ends last first."""
    is_in_force = MUTES.c.ended_at.is_(None) & (MUTES.c.muted_until > now)
    query = sa.select(MUTES).where(is_in_force).order_by(MUTES.c.muted_until.desc(), MUTES.c.id)
    return [_mute(row) for row in connection.execute(query).mappings()]


def all_mutes(connection: sa.Connection) -> list[Mute]:
    """Return all mutes, the newest first."""
    query = sa.select(MUTES).order_by(MUTES.c.id.desc())
    return [_mute(row) for row in connection.execute(query).mappings()]


def mute_of(mutes: Sequence[Mute], policies: Iterable[str], alert: Alert) -> Mute | None:
    """Return what mutes ``alert`` of all ``policies``, the first to end; None if one is not muted.

    Args:
        mutes: the mutes in force, the one that ends last first.
        policies: the names of the policies that report it.
        alert: what is reported.
    """
    found = [
        next((mute for mute in mutes if mute.fits(policy, alert)), None) for policy in policies
    ]
    muted = [mute for mute in found if mute is not None]
    return min(muted, key=lambda mute: mute.muted_until) if len(muted) == len(found) else None


def report_unmuted(connection: sa.Connection, *, policies: Mapping[str, Policy], now: float) -> int:
    """Send the messages of open incidents that no mute suppresses any more; return how many.

    Good news is not reported late. An incident that another mute covers by now stays suppressed.

    Args:
        connection: of the caller's transaction.
        policies: the policies in force, by name; those of others stay suppressed.
        now: seconds since 1970.
    """
    in_force = mutes_in_force(connection, now=now)
    is_muted = MESSAGES.c.mute_id.is_not(None) & (MESSAGES.c.state == SUPPRESSED)
    query = (
        sa.select(INCIDENTS)
        .where(
            INCIDENTS.c.id.in_(sa.select(MESSAGES.c.incident_id).where(is_muted)),
            INCIDENTS.c.recovered_at.is_(None),
            INCIDENTS.c.event_type.not_in(GOOD_NEWS),
        )
        .order_by(INCIDENTS.c.id)
    )
    reported = 0
    for row in connection.execute(query).mappings().all():
        left = in_force_of(connection, row, policies)
        if not left or mute_of(in_force, [one.name for one in left], latest_of(row)):
            continue
        reported += report_late(connection, row, left, is_muted, now=now)
    return reported


def _mute(row: Any) -> Mute:
    return Mute(**row)
