"""Partitions that have failed and must succeed before their incident is over."""

from collections.abc import Collection, Iterator

import sqlalchemy as sa

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.recovery import Recovery
from orchestration_platform.alerts.outbox.tables import LONGEST_PARTITION, OUTSTANDING

_PORTION = 500


def require(connection: sa.Connection, incident_id: int, failure: Alert) -> None:
    """Require each failed partition to succeed before the incident is over."""
    of_incident = OUTSTANDING.c.incident_id == incident_id
    for keys in _portions(failure.partitions or (failure.partition,)):
        these = of_incident & OUTSTANDING.c.partition.in_(keys)
        query = sa.select(OUTSTANDING.c.partition).where(these)
        known = set(connection.execute(query).scalars())
        is_older = OUTSTANDING.c.failed_at < failure.at
        connection.execute(
            sa.update(OUTSTANDING).where(these & is_older).values(failed_at=failure.at)
        )
        new = [
            {"incident_id": incident_id, "partition": key, "failed_at": failure.at}
            for key in keys
            if key not in known
        ]
        if new:
            connection.execute(sa.insert(OUTSTANDING), new)


def is_over(connection: sa.Connection, incident_id: int, recovery: Recovery) -> bool:
    """Remove the partitions that have recovered; return whether none is left."""
    of_incident = OUTSTANDING.c.incident_id == incident_id
    is_meant = of_incident & (OUTSTANDING.c.failed_at <= recovery.since)
    if recovery.partitions is None:
        connection.execute(sa.delete(OUTSTANDING).where(is_meant))
    else:
        for keys in _portions(recovery.partitions):
            is_one = OUTSTANDING.c.partition.in_(keys)
            connection.execute(sa.delete(OUTSTANDING).where(is_meant & is_one))
    left = sa.select(OUTSTANDING.c.partition).where(of_incident).limit(1)
    return connection.execute(left).first() is None


def _portions(partitions: Collection[str]) -> Iterator[list[str]]:
    """Yield the partitions as stored, in portions that fit into one query."""
    names = sorted({name[:LONGEST_PARTITION] for name in partitions})
    for start in range(0, len(names), _PORTION):
        yield names[start : start + _PORTION]
