"""What the materializations of the last two weeks took and made, as they recorded it themselves."""

import statistics
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import dagster as dg
import orjson
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration_platform.board.history.event_window import EventWindow
from orchestration_platform.board.history.percentile import percentile
from orchestration_platform.board.history.shown_days import DAYS
from shared_lib.checks import usual_spread
from shared_lib.metadata import STORAGE_BYTES

# how long dbt took for a model, and how long a step of ours took for one of its assets
_SECONDS = ("Execution Duration", "seconds")
_ROWS = "dagster/row_count"
_AMOUNTS = ("bytes", "calls", "cpu_seconds")
_NUMBERS = frozenset({"IntMetadataEntryData", "FloatMetadataEntryData"})

# As the check row_count_anomaly has by default.
_ALLOWED_DEVIATIONS = 5
_LEAST_EARLIER_COUNTS = 5
# On SQLite each run has a file of its own.
_MOST_FILES_IN_A_READ = 50
_NEWEST_RUNS = 4


@dataclass(frozen=True, slots=True)
class Materialization:
    """One materialization.

    Attributes:
        id: of its event.
        asset: the key, parts joined by a slash.
        at: in seconds since 1970.
        run_id: its run.
        step: its step; empty for one that was reported from outside.
        partition: its partition; empty without one.
        seconds: the time that it recorded for itself.
        rows: the row count that it recorded.
        amounts: what else it recorded: bytes, calls of an API, and seconds of CPU.
        sizes: the sizes of storage that it measured, in bytes, by the name of the entry.
    """

    id: int
    asset: str
    at: float
    run_id: str
    step: str
    partition: str
    seconds: float | None
    rows: int | None
    amounts: Mapping[str, float]
    sizes: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class _Step:
    run_id: str
    name: str
    seconds: float


@dataclass(frozen=True, kw_only=True)
class RowBand:
    """The row counts that are usual: those of the materializations before the last."""

    low: float
    high: float

    def has(self, rows: int) -> bool:
        """Return whether a count is usual."""
        return self.low <= rows <= self.high


@dataclass(frozen=True, kw_only=True)
class AssetHistory:
    """The materializations of an asset in the last days.

    Attributes:
        name: the asset.
        number: how many there were.
        seconds: the time of each of which it is known, in order.
        rows: the last row count; None if none was recorded.
        band: the usual row counts; None with fewer than five earlier ones.
        amounts: the sums of rows, bytes, calls and seconds of CPU that were recorded.
    """

    name: str
    number: int
    seconds: Sequence[float]
    rows: int | None
    band: RowBand | None
    amounts: Mapping[str, float]

    @property
    def median_seconds(self) -> float | None:
        """The median of the times, None without one."""
        return statistics.median(self.seconds) if self.seconds else None

    @property
    def p95_seconds(self) -> float | None:
        """The 95th percentile of the times, None without one."""
        return percentile(sorted(self.seconds), 0.95)


@dataclass(frozen=True, kw_only=True)
class Materializations:
    """What one read found.

    Attributes:
        assets: the assets with materializations, by name.
        by_run: the sums of rows, bytes, calls and seconds of CPU of each run.
        sizes: the last size of each storage of each day, UTC, in bytes.
        is_complete: whether all of the window has been read by now.
    """

    assets: Mapping[str, AssetHistory]
    by_run: Mapping[str, Mapping[str, float]]
    sizes: Mapping[date, Mapping[str, float]]
    is_complete: bool


class MaterializationWindow:
    """The materializations of :data:`DAYS` days, kept between reads."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._lock = threading.Lock()
        self._made = EventWindow("ASSET_MATERIALIZATION", DAYS, _materialization)
        self._steps = EventWindow("STEP_SUCCESS", DAYS, _step)
        self._files: dict[str, list[_Step]] = {}
        self._summed_of: object = None
        self._sums: Materializations | None = None

    def read(self, instance: dg.DagsterInstance, *, now: datetime) -> Materializations:
        """Return what is known at ``now``.

        Raises:
            TypeError: the event storage is not a database.
        """
        storage = instance.event_log_storage
        if not isinstance(storage, SqlEventLogStorage):
            raise TypeError(f"the event storage {type(storage).__name__} has no SQL to read")
        with self._lock:
            with storage.index_connection() as connection:
                made = self._made.read(connection, now=now)
                steps = self._steps.read(connection, now=now)
            if isinstance(storage, SqliteEventLogStorage):
                # after the index is left: the storage has one lock for all of its files
                steps = self._steps_in_files(storage, made)
            return self._summed(made, steps)

    def _summed(self, made: Sequence[Materialization], steps: Sequence[_Step]) -> Materializations:
        """Return the sums; those of the read before if there is nothing new."""
        of = (len(made), made[:1], made[-1:], len(steps), steps[-1:], self._made.is_complete)
        if self._sums is None or of != self._summed_of:
            self._sums = _summed(made, steps, is_complete=self._made.is_complete)
            self._summed_of = of
        return self._sums

    def _steps_in_files(
        self, storage: SqliteEventLogStorage, made: Sequence[Materialization]
    ) -> list[_Step]:
        """Return the steps that have ended, of runs whose asset's time is not known otherwise."""
        wanted = dict.fromkeys(
            one.run_id for one in reversed(made) if one.step and one.seconds is None
        )
        known = {run_id: self._files[run_id] for run_id in wanted if run_id in self._files}
        # the newest again: their steps may have ended since
        anew = [
            run_id
            for number, run_id in enumerate(wanted)
            if run_id not in known or number < _NEWEST_RUNS
        ]
        events = SqlEventLogStorageTable.c
        query = sa.select(events.id, events.event).where(
            events.dagster_event_type == "STEP_SUCCESS"
        )
        for run_id in anew[:_MOST_FILES_IN_A_READ]:
            with storage.run_connection(run_id) as connection:
                rows = connection.execute(query).tuples().all()
            known[run_id] = [step for one, body in rows if (step := _step(one, body))]
        self._files = known
        return [step for steps in known.values() for step in steps]


def _materialization(event_id: int, body: str) -> Materialization | None:
    event = orjson.loads(body)
    made = event["dagster_event"]["event_specific_data"]["materialization"]
    entries = {
        entry["label"]: entry["entry_data"].get("value")
        for entry in made["metadata_entries"]
        if entry["entry_data"]["__class__"] in _NUMBERS
    }
    rows = entries.get(_ROWS)
    return Materialization(
        id=event_id,
        asset="/".join(made["asset_key"]["path"]),
        at=event["timestamp"],
        run_id=event["run_id"],
        step=event["step_key"] or "",
        partition=made["partition"] or "",
        seconds=next((entries[name] for name in _SECONDS if entries.get(name) is not None), None),
        rows=None if rows is None else int(rows),
        amounts={name: entries[name] for name in _AMOUNTS if entries.get(name) is not None},
        sizes={
            name: size
            for name, size in entries.items()
            if name.partition("/")[0] == STORAGE_BYTES and size is not None
        },
    )


def _step(_event_id: int, body: str) -> _Step | None:
    event: dict[str, Any] = orjson.loads(body)
    milliseconds = event["dagster_event"]["event_specific_data"]["duration_ms"]
    return _Step(event["run_id"], event["step_key"], milliseconds / 1000)


def _summed(
    made: Sequence[Materialization], steps: Iterable[_Step], *, is_complete: bool
) -> Materializations:
    seconds_of = {(step.run_id, step.name): step.seconds for step in steps}
    # a step that made several assets took its time for all of them
    sharing = Counter((run_id, step) for run_id, step, _ in {_made_in(one) for one in made})
    counted: set[tuple[object, ...]] = set()
    by_asset: dict[str, list[Materialization]] = defaultdict(list)
    by_run: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    amounts: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    seconds: dict[str, list[float]] = defaultdict(list)
    sizes: dict[date, dict[str, float]] = {}
    for one in made:
        if one.sizes:
            sizes.setdefault(datetime.fromtimestamp(one.at, UTC).date(), {}).update(one.sizes)
        by_asset[one.asset].append(one)
        if one.partition:
            # of a range of partitions, each event has what the step recorded for all of them
            recorded = (*_made_in(one), one.seconds, one.rows, *sorted(one.amounts.items()))
            if recorded in counted:
                continue
            counted.add(recorded)
        _add_amounts(by_run[one.run_id], one)
        _add_amounts(amounts[one.asset], one)
        took = one.seconds
        if took is None and sharing[one.run_id, one.step] == 1:
            took = seconds_of.get((one.run_id, one.step))
        if took is not None:
            seconds[one.asset].append(took)
    return Materializations(
        assets={
            name: _history(name, those, seconds[name], amounts[name])
            for name, those in sorted(by_asset.items())
        },
        by_run=by_run,
        sizes=sizes,
        is_complete=is_complete,
    )


def _made_in(one: Materialization) -> tuple[str, str, str]:
    return one.run_id, one.step, one.asset


def _history(
    name: str,
    made: Sequence[Materialization],
    seconds: Sequence[float],
    amounts: Mapping[str, float],
) -> AssetHistory:
    *earlier, last = [one.rows for one in made if one.rows is not None] or [None]
    return AssetHistory(
        name=name,
        number=len(made),
        seconds=seconds,
        rows=last,
        band=_band([rows for rows in earlier if rows is not None]),
        amounts=amounts,
    )


def _add_amounts(sums: dict[str, float], one: Materialization) -> None:
    # not by Counter.update, which takes ten times as long
    if one.rows is not None:
        sums["rows"] += one.rows
    for what, number in one.amounts.items():
        sums[what] += number


def _band(earlier: Sequence[int]) -> RowBand | None:
    if len(earlier) < _LEAST_EARLIER_COUNTS:
        return None
    middle, deviation = usual_spread(earlier)
    allowed = _ALLOWED_DEVIATIONS * deviation
    return RowBand(low=max(0.0, middle - allowed), high=middle + allowed)
