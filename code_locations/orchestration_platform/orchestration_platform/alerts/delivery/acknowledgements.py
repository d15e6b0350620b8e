"""Who has acknowledged a message in its service: seen soon, not only when it is escalated."""

import time

import sqlalchemy as sa

from orchestration_platform.alerts.delivery.escalation import Escalation, record_acknowledgement
from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.messages import DELIVERED, HEAD
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.services.registry import services_with_acknowledgements

MOST_IN_A_PASS = 7


def find_acknowledgements(escalation: Escalation, *, most: int = MOST_IN_A_PASS) -> int:
    """Ask about open incidents that nobody has acknowledged; return how many somebody has.

    Each is asked about every ``timing.between_asks`` seconds, those first that were not asked about
    for longest. Whether or not its policy escalates, the message shows who has it.

    Args:
        escalation: asks the services, and has when each incident was last asked about.
        most: about how many incidents to ask.
    """
    asked_at = escalation.asked_at
    latest = time.time() - escalation.timing.between_asks
    waiting = _unacknowledged(escalation.database)
    for gone in asked_at.keys() - set(waiting):
        del asked_at[gone]
    due = [number for number in waiting if asked_at.get(number, 0.0) <= latest]
    found = 0
    for number in sorted(due, key=lambda one: asked_at.get(one, 0.0))[:most]:
        if not escalation.may_ask_more:
            break
        answer = escalation.answers(number)
        if answer.problem:
            if answer.problem not in escalation.problems:
                escalation.problems.append(answer.problem)
            # the others would probably fail in the same way; next time, another one is the first
            now = time.time()
            asked_at.update({**dict.fromkeys(due, now), number: now + 1.0})
            break
        if answer.people is None:
            continue
        with escalation.database.transaction() as connection:
            query = sa.select(INCIDENTS).where(INCIDENTS.c.id == number)
            row = connection.execute(query).mappings().first()
            if row is not None and row["acknowledged_at"] is None:
                record_acknowledgement(connection, row, answer.people, now=time.time())
                found += 1
    return found


def _unacknowledged(database: Database) -> list[int]:
    """Return the open incidents that nobody has acknowledged, with a message that can be."""
    query = (
        sa.select(INCIDENTS.c.id)
        .join(MESSAGES, MESSAGES.c.incident_id == INCIDENTS.c.id)
        .where(
            INCIDENTS.c.recovered_at.is_(None),
            INCIDENTS.c.acknowledged_at.is_(None),
            INCIDENTS.c.event_type.not_in(GOOD_NEWS),
            MESSAGES.c.kind == HEAD,
            MESSAGES.c.state == DELIVERED,
            MESSAGES.c.service.in_(services_with_acknowledgements()),
        )
        .distinct()
        .order_by(INCIDENTS.c.id.desc())
    )
    with database.transaction() as connection:
        return list(connection.execute(query).scalars())
