"""The new ticks of all schedules and sensors, in a few queries whatever their number.

Dagster's own call for many of them at once ranks all ticks that the retention keeps.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import islice
from typing import Any, TypeVar

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.schedules import SqlScheduleStorage
from dagster._core.storage.schedules.schema import JobTickTable

_TICKS = JobTickTable.c
# Each is a condition of its own, for which an index leads to the ticks after its mark.
_MOST_CONDITIONS = 100
# This many ticks are in memory at a time, unless one schedule or sensor alone has more.
_MOST_TICKS = 500

T = TypeVar("T")


def ticks_by_id(instance: dg.DagsterInstance, numbers: Collection[int]) -> Mapping[int, Any]:
    """Return those of the ticks that are still stored.

    Raises:
        TypeError: the schedule storage is not a database.
    """
    storage = _storage_of(instance)
    return {
        tick.tick_id: tick
        for some in _parts(numbers, _MOST_TICKS)
        for tick in storage.get_ticks_by_ids(some)
    }


def ticks_after(
    instance: dg.DagsterInstance, marks: Mapping[str, tuple[float, int]]
) -> Iterator[tuple[str, Sequence[Any]]]:
    """Yield the ticks after each mark, the lowest number first: numbers go on if a clock goes back.

    Args:
        instance: where the ticks are.
        marks: time and number of the last known tick, by the selector id of a schedule or sensor.

    Raises:
        TypeError: the schedule storage is not a database.
    """
    numbers = _numbers_after(_storage_of(instance), marks)
    group: dict[str, Sequence[int]] = {}
    for selector in marks:
        group[selector] = numbers.get(selector, ())
        if sum(map(len, group.values())) >= _MOST_TICKS:
            yield from _loaded(instance, group, marks)
            group = {}
    yield from _loaded(instance, group, marks)


def _numbers_after(
    storage: SqlScheduleStorage, marks: Mapping[str, tuple[float, int]]
) -> Mapping[str, Sequence[int]]:
    found: dict[str, list[int]] = {}
    with storage.connect() as connection:
        for some in _parts(marks.items(), _MOST_CONDITIONS):
            is_new = [
                sa.and_(
                    _TICKS.selector_id == selector,
                    _TICKS.timestamp >= datetime.fromtimestamp(at, UTC).replace(tzinfo=None),
                    _TICKS.id > number,
                )
                for selector, (at, number) in some
            ]
            query = sa.select(_TICKS.selector_id, _TICKS.id).where(sa.or_(*is_new))
            for selector, number in connection.execute(query.order_by(_TICKS.id)).tuples():
                found.setdefault(selector, []).append(number)
    return found


def _loaded(
    instance: dg.DagsterInstance,
    group: Mapping[str, Sequence[int]],
    marks: Mapping[str, tuple[float, int]],
) -> Iterator[tuple[str, Sequence[Any]]]:
    ticks = ticks_by_id(instance, [number for those in group.values() for number in those])
    for selector, numbers in group.items():
        at, _ = marks[selector]
        there = (ticks[number] for number in numbers if number in ticks)
        # the database may have rounded the time of the tick at the mark
        yield selector, [tick for tick in there if tick.timestamp > at]


def _storage_of(instance: dg.DagsterInstance) -> SqlScheduleStorage:
    storage = instance.schedule_storage
    if not isinstance(storage, SqlScheduleStorage):
        raise TypeError(f"the schedule storage {type(storage).__name__} has no SQL to read")
    return storage


def _parts(values: Iterable[T], size: int) -> Iterator[Sequence[T]]:
    left = iter(values)
    while part := tuple(islice(left, size)):
        yield part
