"""Events from the event log, in order and without gaps.

Dagster numbers events before they are stored. In Postgres, a process that is slow to commit makes
an event appear behind others with higher numbers, and a reader that remembers only the highest
number never sees it. So the minute before the last read is read again; the caller knows which
events it has had. SQLite keeps each run in its own file. It mirrors asset events and run status
changes in a single index, and that index is read here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import dagster as dg

from orchestration_platform.alerts.facts.timing import TIMING, Timing
from orchestration_platform.alerts.sources.source import Batch, Found, Reading

_PAGE = 200
# The run id under which Dagster stores events that belong to no run.
_NO_RUN = ""


class Dated(Protocol):
    """A record of the event log."""

    @property
    def timestamp(self) -> float: ...  # noqa: D102 - Dagster's


Record = TypeVar("Record", bound=Dated)


@dataclass(frozen=True)
class Position:
    """How far the log has been read, and how far it had been read at earlier times.

    Attributes:
        marks: seconds since 1970 and Dagster's cursor at that time, oldest first.
    """

    marks: tuple[tuple[float, str], ...]

    def as_of(self, now: float) -> "Position":
        """Return the position without future times, which exist after the clock has gone back.

        The oldest mark stays: after it, nothing is settled by this clock.
        """
        past = tuple(mark for mark in self.marks if mark[0] <= now)
        ahead = self.marks[len(past) :]
        return Position((*past, (now, ahead[0][1]))) if ahead else self

    def resume_from(self, *, overlap: float = TIMING.overlap) -> str:
        """Return the cursor after which there may be unseen events.

        What was committed since the last read has not been seen, however long ago that was. So a
        mark is settled if the log was read again ``overlap`` seconds after it.
        """
        last_read = self.marks[-1][0]
        settled = [cursor for at, cursor in self.marks if at <= last_read - overlap]
        return settled[-1] if settled else self.marks[0][1]

    def advanced(self, cursor: str, now: float, timing: Timing = TIMING) -> "Position":
        """Return the position after reading up to ``cursor``."""
        marks = list(self.marks)
        if now - marks[-1][0] >= timing.between_marks:
            marks.append((now, cursor))
        while len(marks) > 1 and marks[1][0] <= now - timing.overlap:
            marks.pop(0)
        return Position(tuple(marks))

    def behind(
        self, at: float, cursor: str, now: float, *, overlap: float = TIMING.overlap
    ) -> "Position":
        """Return the position after a record of ``at`` if more follow: up to what is settled."""
        return Position(((at, cursor),)) if at <= now - overlap else self

    def to_json(self) -> str:
        """Serialise the position for the database."""
        return json.dumps(self.marks)

    @classmethod
    def from_json(cls, text: str) -> "Position":
        """Parse the output of :meth:`to_json`."""
        return cls(tuple((at, cursor) for at, cursor in json.loads(text)))


@dataclass(frozen=True)
class Page(Generic[Record]):
    """Some records, the cursor after them, and whether there are more."""

    records: Sequence[Record]
    cursor: str
    has_more: bool


@dataclass(frozen=True)
class Feed(Generic[Record]):
    """Events of one kind.

    Attributes:
        newest: returns the cursor after all existing events.
        after: returns the events after a cursor, oldest first, at most one page.
    """

    newest: Callable[[], str]
    after: Callable[[str], Page[Record]]


def run_status_changes(
    kind: dg.DagsterEventType, instance: dg.DagsterInstance
) -> Feed[dg.EventLogRecord]:
    """Runs that reached the status of ``kind``."""

    def after(cursor: str) -> Page[dg.EventLogRecord]:
        found = instance.fetch_run_status_changes(kind, limit=_PAGE, cursor=cursor, ascending=True)
        return Page(found.records, found.cursor, found.has_more)

    return Feed(lambda: instance.fetch_run_status_changes(kind, limit=1).cursor, after)


def runless_events(
    kind: dg.DagsterEventType, instance: dg.DagsterInstance
) -> Feed[dg.EventLogRecord]:
    """Events of ``kind`` that were stored outside any run, such as freshness changes."""

    def after(cursor: str) -> Page[dg.EventLogRecord]:
        found = instance.get_records_for_run(_NO_RUN, cursor=cursor, of_type=kind, limit=_PAGE)
        return Page(found.records, found.cursor, found.has_more)

    def newest() -> str:
        return instance.get_records_for_run(_NO_RUN, of_type=kind, limit=1, ascending=False).cursor

    return Feed(newest, after)


def materializations(instance: dg.DagsterInstance) -> Feed[Any]:
    """Materialisations of all assets: ``asset_key``, ``partition``, ``run_id``, ``timestamp``."""
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION

    def after(cursor: str) -> Page[Any]:
        found = instance.get_asset_event_summary_records(
            kind, after_storage_id=int(cursor), limit=_PAGE, ascending=True
        )
        behind = str(found[-1].storage_id) if found else cursor
        return Page(found, behind, len(found) == _PAGE)

    def newest() -> str:
        found = instance.get_asset_event_summary_records(kind, limit=1)
        return str(found[0].storage_id) if found else "0"

    return Feed(newest, after)


def batches_of(
    feed: Callable[[dg.DagsterInstance], Feed[Record]],
    take: Callable[[Reading, Sequence[Record]], Found],
) -> Callable[[Reading, str | None], Iterator[Batch]]:
    """Read ``feed`` page by page; each batch is what ``take`` returns for the page's records."""

    def read(reading: Reading, marks: str | None) -> Iterator[Batch]:
        for records, position in _pages(
            feed(reading.instance), marks, now=reading.now, timing=reading.timing
        ):
            yield Batch(expected=marks, position=position, found=take(reading, records))
            marks = position

    return read


def _pages(
    feed: Feed[Record], marks: str | None, *, now: float, timing: Timing
) -> Iterator[tuple[Sequence[Record], str]]:
    """Return what came after the position in ``marks``, oldest first.

    Each page comes with the serialised position after it. The last page, which may be empty,
    reaches the end of the log. Without a position there is one empty page: no earlier events.
    """
    if marks is None:
        yield (), Position(((now, feed.newest()),)).to_json()
        return
    position = Position.from_json(marks).as_of(now)
    cursor = position.resume_from(overlap=timing.overlap)
    while True:
        found = feed.after(cursor)
        cursor = found.cursor
        if not found.has_more:
            yield found.records, position.advanced(cursor, now, timing).to_json()
            return
        position = position.behind(found.records[-1].timestamp, cursor, now, overlap=timing.overlap)
        yield found.records, position.to_json()
