"""The events of one type of the last days, kept in memory; each read asks only for new ones."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar

import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

# An event that becomes visible later than this after its time is seen the next day.
_OVERLAP = timedelta(minutes=10)
# So many events are parsed in one read, the newest first, which takes a fraction of a second.
MOST_IN_A_READ = 5_000
# of the values in a query, and of the bodies in memory
_BATCH = 500

_EVENTS = SqlEventLogStorageTable.c

T = TypeVar("T")


class EventWindow(Generic[T]):
    """The events of one type since midnight, UTC, some days ago, by their storage id.

    A deleted event stays until midnight, UTC, when the window begins anew. Not for several threads.
    """

    def __init__(self, event_type: str, days: int, parse: Callable[[int, str], T | None]) -> None:
        """Know nothing yet.

        Args:
            event_type: of the events.
            days: of the window, today included.
            parse: reads what is needed from an event's id and body; None for nothing.
        """
        self._event_type, self._days, self._parse = event_type, days, parse
        self._first: date | None = None
        self._floor = 0
        self._known: dict[int, T | None] = {}
        self._seen: list[tuple[datetime, int]] = []
        self.is_complete = False

    def read(self, connection: sa.Connection, *, now: datetime) -> list[T]:
        """Return what is known of the events at ``now``, in their order.

        One read parses at most :data:`MOST_IN_A_READ` events; ``is_complete`` is whether those
        were all.
        """
        first = (now - timedelta(days=self._days - 1)).astimezone(UTC).date()
        is_new_day = first != self._first
        if is_new_day:
            midnight = datetime(first.year, first.month, first.day)  # noqa: DTZ001 - as stored
            self._floor, self._first = first_id_since(connection, midnight), first
        is_whole = is_new_day or not self.is_complete
        there = self._ids(connection, self._floor if is_whole else self._settled(now))
        if is_whole:
            self._known = {one: self._known[one] for one in there if one in self._known}
        unknown = sorted((one for one in there if one not in self._known), reverse=True)
        self.is_complete = len(unknown) <= MOST_IN_A_READ
        self._known |= self._parsed(connection, unknown[:MOST_IN_A_READ])
        self._seen.append((now, max(self._known, default=self._floor)))
        return [found for _, found in sorted(self._known.items()) if found is not None]

    def _settled(self, now: datetime) -> int:
        """Return an id below which no event becomes visible any more."""
        while len(self._seen) > 1 and self._seen[1][0] <= now - _OVERLAP:
            self._seen.pop(0)
        at, settled = self._seen[0]
        return settled + 1 if at <= now - _OVERLAP else self._floor

    def _ids(self, connection: sa.Connection, lowest: int) -> list[int]:
        # the index of types and ids has the answer
        query = sa.select(_EVENTS.id).where(
            _EVENTS.dagster_event_type == self._event_type, _EVENTS.id >= lowest
        )
        return list(connection.execute(query).scalars())

    def _parsed(self, connection: sa.Connection, ids: Iterable[int]) -> Mapping[int, T | None]:
        ordered, found = list(ids), {}
        for start in range(0, len(ordered), _BATCH):
            query = sa.select(_EVENTS.id, _EVENTS.event).where(
                _EVENTS.id.in_(ordered[start : start + _BATCH])
            )
            for one, body in connection.execute(query).tuples():
                found[one] = self._parse(one, body)
        return found


def first_id_since(connection: sa.Connection, moment: datetime) -> int:
    """Return the first id of an event at ``moment`` or later; naive UTC, as the table has it.

    The ids grow with time, and no index leads to a time: halving needs some twenty look-ups.
    """
    low, high = connection.execute(
        sa.select(sa.func.min(_EVENTS.id), sa.func.max(_EVENTS.id))
    ).one()
    if high is None:
        return 0
    high += 1
    while low < high:
        middle = (low + high) // 2
        found = connection.execute(
            sa.select(_EVENTS.id, _EVENTS.timestamp)
            .where(_EVENTS.id >= middle)
            .order_by(_EVENTS.id)
            .limit(1)
        ).one()
        if found.timestamp < moment:
            low = found.id + 1
        else:
            high = middle
    return low
