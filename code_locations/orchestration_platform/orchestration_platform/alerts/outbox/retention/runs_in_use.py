"""The runs that open incidents and waiting messages are about."""

import sqlalchemy as sa

from orchestration_platform.alerts.facts.event_types import GOOD_NEWS
from orchestration_platform.alerts.outbox.deduplication import HELD
from orchestration_platform.alerts.outbox.messages import WAITING
from orchestration_platform.alerts.outbox.stored_alerts import first_of, latest_of
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES, OCCURRENCES


def runs_in_use(connection: sa.Connection) -> set[str]:
    """Return the ids of the runs that the outbox needs, among other keys of occurrences."""
    waits = sa.exists().where(
        MESSAGES.c.incident_id == INCIDENTS.c.id,
        (MESSAGES.c.state == WAITING) | MESSAGES.c.claimed_until.is_not(None),
    )
    is_open = INCIDENTS.c.recovered_at.is_(None) & INCIDENTS.c.event_type.not_in(GOOD_NEWS)
    in_use = sa.select(INCIDENTS.c.id).where(is_open | waits)
    incidents = connection.execute(sa.select(INCIDENTS).where(is_open | waits)).mappings().all()
    of_occurrences = sa.select(OCCURRENCES.c.key, OCCURRENCES.c.chain).where(
        OCCURRENCES.c.incident_id.in_(in_use) | (OCCURRENCES.c.state == HELD)
    )
    alerts = [read(row) for row in incidents for read in (first_of, latest_of)]
    keys = [key for row in connection.execute(of_occurrences) for key in row]
    keys += [key for alert in alerts for key in (alert.run_id, alert.parent)]
    return {key for key in keys if key}
