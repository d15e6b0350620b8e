"""The events of one type of the last days, kept in memory; each read asks only for new ones."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Generic, TypeVar

import sqlalchemy as sa
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable

from orchestration_platform.board.ids_by_time import first_id_since

# An event that becomes visible later than this after its time is seen the next day.
_OVERLAP = timedelta(minutes=10)
# One read parses this many events, the newest first, in a fraction of a second.
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
        self._known: dict[int, T | None] = {}
        self._read_at = datetime.min.replace(tzinfo=UTC)
        self.is_complete = False

    def read(self, connection: sa.Connection, *, now: datetime) -> list[T]:
        """Return what is known of the events at ``now``, in their order.

        One read parses at most :data:`MOST_IN_A_READ` events; ``is_complete`` is whether those
        were all.
        """
        first = (now - timedelta(days=self._days - 1)).astimezone(UTC).date()
        if first != self._first:
            self._first, self.is_complete = first, False
        is_whole = not self.is_complete
        if is_whole:
            since = datetime(first.year, first.month, first.day, tzinfo=UTC)
        else:
            since = self._read_at - _OVERLAP
        self._read_at = now
        there = self._ids(
            connection, first_id_since(connection, _EVENTS.id, _EVENTS.timestamp, since)
        )
        if is_whole:
            self._known = {one: self._known[one] for one in there if one in self._known}
        unknown = sorted((one for one in there if one not in self._known), reverse=True)
        self.is_complete = len(unknown) <= MOST_IN_A_READ
        self._known |= self._parsed(connection, unknown[:MOST_IN_A_READ])
        return [found for _, found in sorted(self._known.items()) if found is not None]

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
