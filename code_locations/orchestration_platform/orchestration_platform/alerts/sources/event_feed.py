"""Events from the event log, in order and without a gap.

Dagster numbers events before they are stored. In Postgres a process that was slow to commit makes
an event appear behind others with higher numbers, and whoever remembers the highest one never sees
it. So what was stored in the last minute is read again; the caller knows what it has had. SQLite
keeps runs in files of their own. It mirrors the events of assets and the changes of a run's status
in one index, which is what is read here.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import dagster as dg

from orchestration_platform.alerts.sources.source import Batch, Found, Reading

OVERLAP_SECONDS = 60.0

_PAGE = 200
# Reading again from at most this many seconds too early is cheaper than remembering every tick.
_BETWEEN_MARKS_SECONDS = 10.0
# Under which Dagster keeps the events of no run.
_NO_RUN = ""


class Dated(Protocol):
    """A record of the event log."""

    @property
    def timestamp(self) -> float: ...  # noqa: D102 - Dagster's


Record = TypeVar("Record", bound=Dated)


@dataclass(frozen=True)
class Position:
    """How far the log was read, and how far it had been at times before.

    Attributes:
        marks: seconds since 1970 and Dagster's cursor at that time, oldest first.
    """

    marks: tuple[tuple[float, str], ...]

    def as_of(self, now: float) -> "Position":
        """The same without times to come, which there are when the clock has gone back.

        The oldest of them stays: behind it nothing is settled by this clock.
        """
        past = tuple(mark for mark in self.marks if mark[0] <= now)
        ahead = self.marks[len(past) :]
        return Position((*past, (now, ahead[0][1]))) if ahead else self

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

    def behind(self, at: float, cursor: str, now: float) -> "Position":
        """The position after a record of ``at``, when more follows: moved where all is settled."""
        return Position(((at, cursor),)) if at <= now - OVERLAP_SECONDS else self

    def to_json(self) -> str:
        """As text, for the database."""
        return json.dumps(self.marks)

    @classmethod
    def from_json(cls, text: str) -> "Position":
        """From :meth:`to_json`."""
        return cls(tuple((at, cursor) for at, cursor in json.loads(text)))


@dataclass(frozen=True)
class Page(Generic[Record]):
    """Some records, the cursor behind them, and whether there are more."""

    records: Sequence[Record]
    cursor: str
    has_more: bool


@dataclass(frozen=True)
class Feed(Generic[Record]):
    """Events of one kind.

    Attributes:
        newest: gives the cursor behind all that there are.
        after: gives those behind a cursor, the oldest first, at most a page of them.
    """

    newest: Callable[[], str]
    after: Callable[[str], Page[Record]]


def run_status_changes(
    kind: dg.DagsterEventType, instance: dg.DagsterInstance
) -> Feed[dg.EventLogRecord]:
    """Runs that have come to the status of ``kind``."""

    def after(cursor: str) -> Page[dg.EventLogRecord]:
        found = instance.fetch_run_status_changes(kind, limit=_PAGE, cursor=cursor, ascending=True)
        return Page(found.records, found.cursor, found.has_more)

    return Feed(lambda: instance.fetch_run_status_changes(kind, limit=1).cursor, after)


def runless_events(
    kind: dg.DagsterEventType, instance: dg.DagsterInstance
) -> Feed[dg.EventLogRecord]:
    """Events of ``kind`` that were stored outside of any run, such as changes of freshness."""

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
    """Reads ``feed`` page by page, each a batch of what ``take`` makes of its records."""

    def read(reading: Reading, marks: str | None) -> Iterator[Batch]:
        for records, position in _pages(feed(reading.instance), marks, now=reading.now):
            yield Batch(expected=marks, position=position, found=take(reading, records))
            marks = position

    return read


def _pages(
    feed: Feed[Record], marks: str | None, *, now: float
) -> Iterator[tuple[Sequence[Record], str]]:
    """What came after the position that ``marks`` describes, oldest first.

    Each page comes with the text of the position behind it. The last one, perhaps an empty one, is
    behind all that there is. Without a position there is one empty page: nothing of before is read.
    """
    if marks is None:
        yield (), Position(((now, feed.newest()),)).to_json()
        return
    position = Position.from_json(marks).as_of(now)
    cursor = position.resume_from(now)
    while True:
        found = feed.after(cursor)
        cursor = found.cursor
        if not found.has_more:
            yield found.records, position.advanced(cursor, now).to_json()
            return
        position = position.behind(found.records[-1].timestamp, cursor, now)
        yield found.records, position.to_json()
