"""What is over, was told and is old is forgotten."""

import time

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.facts.event_types import EventType
from orchestration_platform.alerts.outbox.cursors import position, set_position
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import HELD
from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, OCCURRENCES

# Rows of each table that one pass deletes, so that none holds up the others.
MOST_IN_A_PASS = 1000
EVERY_SECONDS = 3600.0

_POSITION = "pruning"
# Nothing puts good news right: it is over when it has been told.
_GOOD_NEWS = [kind.value for kind in EventType if kind.severity is Severity.INFO]


def prune(database: Database, *, keep_days: float) -> int:
    """Delete what is over and older than ``keep_days``; gives how many rows.

    What is open or waits stays. It looks once an hour, and in the next pass where more is left.
    """
    now = time.time()
    before = now - keep_days * 86400
    with database.transaction() as connection:
        looked_at = position(connection, _POSITION)
        if looked_at is not None and now - float(looked_at) < EVERY_SECONDS:
            return 0
        deleted = [
            connection.execute(query).rowcount
            for query in (_old_incidents(before), _old_occurrences(before))
        ]
        if max(deleted) < MOST_IN_A_PASS:
            set_position(connection, _POSITION, str(now))
    return sum(deleted)


def _old_incidents(before: float) -> sa.Delete:
    """Incidents, and with them their messages. A late recovery of something old was just told."""
    is_over = (INCIDENTS.c.recovered_at < before) | (
        INCIDENTS.c.event_type.in_(_GOOD_NEWS) & (INCIDENTS.c.last_at < before)
    )
    keeps = sa.exists().where(
        MESSAGES.c.incident_id == INCIDENTS.c.id,
        (MESSAGES.c.state == WAITING)
        | MESSAGES.c.claimed_until.is_not(None)
        | (MESSAGES.c.created_at >= before)
        | (MESSAGES.c.delivered_at >= before),
    )
    old = sa.select(INCIDENTS.c.id).where(is_over, ~keeps).order_by(INCIDENTS.c.id)
    return sa.delete(INCIDENTS).where(INCIDENTS.c.id.in_(old.limit(MOST_IN_A_PASS)))


def _old_occurrences(before: float) -> sa.Delete:
    """Occurrences, except those whose incident is there: by them repetitions are known."""
    is_needed = sa.exists().where(INCIDENTS.c.id == OCCURRENCES.c.incident_id)
    old = (
        sa.select(OCCURRENCES.c.id)
        .where(OCCURRENCES.c.at < before, OCCURRENCES.c.state != HELD, ~is_needed)
        .order_by(OCCURRENCES.c.id)
    )
    return sa.delete(OCCURRENCES).where(OCCURRENCES.c.id.in_(old.limit(MOST_IN_A_PASS)))
