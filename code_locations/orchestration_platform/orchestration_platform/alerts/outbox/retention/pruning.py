"""Deletes old incidents that are over, with their messages, and old mutes."""

import time

import sqlalchemy as sa

from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.facts.timing import TIMING
from orchestration_platform.alerts.outbox.cursors import read_cursor, set_cursor
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.deduplication import HELD
from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.outbox.tables import (
    ACTIONS,
    INCIDENTS,
    MESSAGES,
    MUTES,
    OCCURRENCES,
)

# The rows of each table that one pass deletes at most, so that a pass stays short.
MOST_IN_A_PASS = 1000

_CURSOR = "pruning"


def prune(
    database: Database,
    *,
    keep_days: float,
    every_seconds: float = TIMING.between_prunings,
    most: int = MOST_IN_A_PASS,
) -> int:
    """Delete incidents that have been over for ``keep_days``; return the number of deleted rows.

    Open incidents and waiting messages stay. It runs every ``every_seconds``, and again in the next
    pass if there was more to delete than ``most`` rows of a table.
    """
    now = time.time()
    before = now - keep_days * 86400
    with database.transaction() as connection:
        looked_at = read_cursor(connection, _CURSOR)
        if looked_at is not None and now - float(looked_at) < every_seconds:
            return 0
        deleted = [
            connection.execute(query).rowcount
            for query in (
                _old_incidents(before, most),
                _old_occurrences(before, most),
                _old_actions(before, most),
                sa.delete(MUTES).where(MUTES.c.muted_until < before),
            )
        ]
        if max(deleted) < most:
            set_cursor(connection, _CURSOR, str(now))
    return sum(deleted)


def _old_incidents(before: float, most: int) -> sa.Delete:
    """Incidents with their messages, except those whose recovery was reported only recently."""
    is_over = (INCIDENTS.c.recovered_at < before) | (
        INCIDENTS.c.event_type.in_(GOOD_NEWS) & (INCIDENTS.c.last_at < before)
    )
    keeps = sa.exists().where(
        MESSAGES.c.incident_id == INCIDENTS.c.id,
        (MESSAGES.c.state == WAITING)
        | MESSAGES.c.claimed_until.is_not(None)
        | (MESSAGES.c.created_at >= before)
        | (MESSAGES.c.delivered_at >= before),
    )
    old = sa.select(INCIDENTS.c.id).where(is_over, ~keeps).order_by(INCIDENTS.c.id)
    return sa.delete(INCIDENTS).where(INCIDENTS.c.id.in_(old.limit(most)))


def _old_occurrences(before: float, most: int) -> sa.Delete:
    """Occurrences without an incident; the others are needed to recognise retries."""
    is_needed = sa.exists().where(INCIDENTS.c.id == OCCURRENCES.c.incident_id)
    old = (
        sa.select(OCCURRENCES.c.id)
        .where(OCCURRENCES.c.at < before, OCCURRENCES.c.state != HELD, ~is_needed)
        .order_by(OCCURRENCES.c.id)
    )
    return sa.delete(OCCURRENCES).where(OCCURRENCES.c.id.in_(old.limit(most)))


def _old_actions(before: float, most: int) -> sa.Delete:
    """Actions that belong to no incident; the others are deleted with theirs."""
    is_old = (ACTIONS.c.at < before) & ACTIONS.c.incident_id.is_(None)
    old = sa.select(ACTIONS.c.id).where(is_old).order_by(ACTIONS.c.id)
    return sa.delete(ACTIONS).where(ACTIONS.c.id.in_(old.limit(most)))
