"""Run failures and successes from the event log, in order and without a gap.

Dagster numbers events before they are stored. In Postgres a process that was slow to commit makes
an event appear behind others with higher numbers, and whoever remembers the highest one never sees
it. So what was stored in the last minute is read again; the caller knows what it has had. SQLite
keeps runs in files of their own, but mirrors these events in one index, which is what is read.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

OVERLAP_SECONDS = 60.0

_PAGE = 200
# Reading again from at most this many seconds too early is cheaper than remembering every tick.
_BETWEEN_MARKS_SECONDS = 10.0


@dataclass(frozen=True)
class Position:
    """How far the log was read, and how far it had been at times before.

    Attributes:
        marks: seconds since 1970 and Dagster's cursor at that time, oldest first.
    """

    marks: tuple[tuple[float, str], ...]

    def resume_from(self, now: float) -> str:
        """The cursor behind which there may be events that were not seen."""
        settled = [cursor for at, cursor in self.marks if at <= now - OVERLAP_SECONDS]
        return settled[-1] if settled else self.marks[0][1]

    def advanced(self, cursor: str, now: float) -> "Position":
        """The position after reading up to ``cursor``."""
        marks = list(self.marks)
        if now - marks[-1][0] >= _BETWEEN_MARKS_SECONDS:
            marks.append((now, cursor))
        while len(marks) > 1 and marks[1][0] <= now - OVERLAP_SECONDS:
            marks.pop(0)
        return Position(tuple(marks))

    def behind(self, record: dg.EventLogRecord, cursor: str, now: float) -> "Position":
        """The position after ``record``, when more follows: moved only where all is settled."""
        at = record.event_log_entry.timestamp
        return Position(((at, cursor),)) if at <= now - OVERLAP_SECONDS else self

    def to_json(self) -> str:
        """As text, for the database."""
        return json.dumps(self.marks)

    @classmethod
    def from_json(cls, text: str) -> "Position":
        """From :meth:`to_json`."""
        return cls(tuple((at, cursor) for at, cursor in json.loads(text)))


def high_water(instance: dg.DagsterInstance, kind: dg.DagsterEventType, *, now: float) -> Position:
    """The position behind all events of ``kind`` that there are."""
    newest = instance.fetch_run_status_changes(kind, limit=1, ascending=False)
    return Position(((now, newest.cursor),))


def pages(
    instance: dg.DagsterInstance, kind: dg.DagsterEventType, *, position: Position, now: float
) -> Iterator[tuple[Sequence[dg.EventLogRecord], Position]]:
    """Events of ``kind`` after ``position``, oldest first, each page with the position behind it.

    At the end comes a page, perhaps an empty one, whose position is behind all that there is.
    """
    cursor = position.resume_from(now)
    while True:
        found = instance.fetch_run_status_changes(kind, limit=_PAGE, cursor=cursor, ascending=True)
        cursor = found.cursor
        if not found.has_more:
            yield found.records, position.advanced(cursor, now)
            return
        yield found.records, position.behind(found.records[-1], cursor, now)
