"""The last tick of each schedule and sensor, found by an index.

Dagster's own query ranks all ticks that the retention keeps.
"""

from collections.abc import Collection, Mapping

import dagster as dg
import sqlalchemy as sa
from dagster._core.scheduler.instigation import InstigatorTick, TickData, TickStatus
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import InstigatorsTable, JobTickTable

from orchestration_platform.board.ids_by_time import batches


def last_ticks(
    instance: dg.DagsterInstance,
    selectors: Collection[str],
    *,
    statuses: Collection[TickStatus] = tuple(TickStatus),
) -> Mapping[str, InstigatorTick]:
    """Return the last tick of each schedule and sensor that has had one.

    Args:
        instance: where the ticks are.
        selectors: the ids of those whose state is stored.
        statuses: only ticks with one of these.

    Raises:
        TypeError: the storage is not a database.
    """
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        raise TypeError(f"the schedule storage {type(storage).__name__} has no SQL to read")
    ticks, instigators, found = JobTickTable.alias(), InstigatorsTable.c, {}
    last = (
        sa.select(ticks.c.id)
        .where(
            ticks.c.selector_id == instigators.selector_id,
            ticks.c.status.in_([status.value for status in statuses]),
        )
        .order_by(ticks.c.timestamp.desc())
        .limit(1)
        .scalar_subquery()
    )
    columns = JobTickTable.c
    with storage.connect() as connection:
        for some in batches(selectors):
            ids = sa.select(last).where(instigators.selector_id.in_(some))
            query = sa.select(columns.id, columns.selector_id, columns.tick_body)
            for row in connection.execute(query.where(columns.id.in_(ids))):
                tick = dg.deserialize_value(row.tick_body, TickData)
                found[row.selector_id] = InstigatorTick(row.id, tick)
    return found
