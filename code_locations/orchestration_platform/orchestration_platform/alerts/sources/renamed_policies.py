"""Incidents that were muted or explained by another when their policy was removed or renamed.

Nobody was notified of them, and their own policy will notify nobody. The policies that cover the
failure now take them over.
"""

from collections.abc import Set as AbstractSet
from typing import Any

import dagster as dg
import sqlalchemy as sa

from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox import deduplication
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.messages import HEAD, SUPPRESSED
from orchestration_platform.alerts.outbox.sharing import policies_of
from orchestration_platform.alerts.outbox.stored_alerts import latest_of
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, OCCURRENCES
from orchestration_platform.alerts.policies.routing import Router


def take_over_silenced(
    instance: dg.DagsterInstance,
    database: Database,
    router: Router,
    *,
    ui_url: str,
    now: float,
    timing: Timing,
) -> None:
    """Let the policies in force report what was silenced of those that no longer are, once."""
    in_force = {policy.name for policy in router.policies}
    with database.transaction() as connection:
        left = _left_behind(connection, in_force)
    for row, key, chain in left:
        failure = latest_of(row)
        run = instance.get_run_by_id(failure.run_id) if failure.run_id else None
        covering = router.policies_for(failure, run.tags if run else {})
        with database.transaction() as connection:
            for policy in covering:
                deduplication.record_failure(
                    connection,
                    policy,
                    failure,
                    key=key,
                    parent_key=chain if chain != key else "",
                    destination=router.destination(policy),
                    ui_url=ui_url,
                    will_be_retried=False,
                    now=now,
                    in_force=in_force,
                    timing=timing,
                )


_LeftBehind = list[tuple[Any, str, str]]


def _left_behind(connection: sa.Connection, in_force: AbstractSet[str]) -> _LeftBehind:
    """Return what is silenced and has no policy in force; key and chain of its last event."""
    silenced = sa.select(MESSAGES.c.incident_id).where(
        MESSAGES.c.kind == HEAD,
        MESSAGES.c.state == SUPPRESSED,
        MESSAGES.c.mute_id.is_not(None) | MESSAGES.c.cause_id.is_not(None),
    )
    query = sa.select(INCIDENTS).where(
        INCIDENTS.c.id.in_(silenced),
        INCIDENTS.c.recovered_at.is_(None),
        INCIDENTS.c.event_type.not_in(GOOD_NEWS),
    )
    found: _LeftBehind = []
    for row in connection.execute(query.order_by(INCIDENTS.c.id)).mappings().all():
        if not in_force.isdisjoint(policies_of(connection, row)):
            continue
        last = (
            sa.select(OCCURRENCES.c.key, OCCURRENCES.c.chain)
            .where(OCCURRENCES.c.incident_id == row["id"])
            .order_by(OCCURRENCES.c.at.desc(), OCCURRENCES.c.id.desc())
            .limit(1)
        )
        if (one := connection.execute(last).first()) is not None:
            found.append((row, one.key, one.chain))
    return found
