"""The runs of the last days, kept in memory; each read asks only for what has changed."""

import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable

from orchestration_platform.board.history.shown_days import DAYS

_UNFINISHED = (
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)
_REPOSITORY_TAG = ".dagster/repository"
_CONCURRENCY_TAG = "dagster/concurrency_key"

# A change that becomes visible later than this after its time is seen the next day.
_OVERLAP = timedelta(minutes=10)

# (code location, job); the location is empty for runs that name none
JobName = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """A run; times are in seconds since 1970."""

    id: int
    run_id: str
    job: JobName
    status: str
    created_at: float
    updated_at: float
    start_time: float | None
    end_time: float | None
    concurrency_key: str

    @property
    def is_finished(self) -> bool:
        """Whether it has ended in any way."""
        return self.status not in _UNFINISHED_NAMES


_UNFINISHED_NAMES = frozenset(status.value for status in _UNFINISHED)


@dataclass(frozen=True)
class Runs:
    """What one read found.

    Attributes:
        first: the first day of the window, UTC.
        by_job: the runs that were created within it, the oldest first. The sequence is the same
            object as at the read before if none of them has changed.
        unfinished: all runs that have not ended, however old.
        completed: how many runs of a job ended in a status since the first read.
    """

    first: date
    by_job: Mapping[JobName, Sequence[Run]]
    unfinished: Sequence[Run]
    completed: Mapping[tuple[JobName, str], int]


class RunWindow:
    """The runs of :data:`DAYS` days.

    An ended run that is deleted stays until midnight, UTC, when all runs are read again.
    """

    def __init__(self) -> None:
        """Know nothing yet: the first read asks for the whole window."""
        self._lock = threading.Lock()
        self._first: date | None = None
        self._until = datetime.min.replace(tzinfo=UTC)
        self._runs: dict[str, Run] = {}
        self._by_job: dict[JobName, tuple[Run, ...]] = {}
        self._completed: Counter[tuple[JobName, str]] = Counter()

    def read(self, instance: dg.DagsterInstance, *, now: datetime) -> Runs:
        """Return the runs at ``now``.

        Raises:
            TypeError: the run storage is not a database.
        """
        storage = instance.run_storage
        if not isinstance(storage, SqlRunStorage):
            raise TypeError(f"the run storage {type(storage).__name__} has no SQL to read")
        first = (now - timedelta(days=DAYS - 1)).astimezone(UTC).date()
        with self._lock:
            known, since = self._runs, self._until - _OVERLAP if self._first else None
            if first != self._first:
                self._runs, self._by_job = {}, {}
                midnight = datetime(first.year, first.month, first.day, tzinfo=UTC)
                found = _runs(storage, _is_updated_since(midnight))
            else:
                found = _runs(storage, _is_updated_since(self._until - _OVERLAP))
            unfinished = _runs(storage, RunsTable.c.status.in_(_UNFINISHED_NAMES))
            self._first, self._until = first, now
            changed = self._keep([*unfinished, *found], known, since)
            changed |= self._drop_deleted(storage, {run.run_id for run in unfinished})
            self._sort(changed, first)
            return Runs(
                first,
                dict(self._by_job),
                [run for run in self._runs.values() if not run.is_finished],
                dict(self._completed),
            )

    def _keep(
        self, found: Iterable[Run], known: Mapping[str, Run], since: datetime | None
    ) -> set[JobName]:
        """Keep the runs, count those that have ended since the last read; return changed jobs."""
        changed = set()
        for run in found:
            before = known.get(run.run_id)
            if self._runs.get(run.run_id) != run:
                self._runs[run.run_id] = run
                changed.add(run.job)
            is_news = run.is_finished and not (before and before.is_finished)
            # a tag that is added to an old run updates it too
            if is_news and since and (run.end_time or run.updated_at) >= since.timestamp():
                self._completed[run.job, run.status] += 1
        return changed

    def _drop_deleted(self, storage: SqlRunStorage, unfinished: set[str]) -> set[JobName]:
        """Drop unfinished runs that the storage no longer has; return their jobs."""
        doubtful = [
            run.run_id for run in self._runs.values()
            if not run.is_finished and run.run_id not in unfinished
        ]  # fmt: skip
        if not doubtful:
            return set()
        there = {run.run_id for run in _runs(storage, RunsTable.c.run_id.in_(doubtful))}
        return {self._runs.pop(run_id).job for run_id in doubtful if run_id not in there}

    def _sort(self, changed: set[JobName], first: date) -> None:
        start = datetime(first.year, first.month, first.day, tzinfo=UTC)
        by_job: dict[JobName, list[Run]] = defaultdict(list)
        for run in self._runs.values():
            if run.job in changed and run.created_at >= start.timestamp():
                by_job[run.job].append(run)
        for job in changed:
            self._by_job.pop(job, None)
        for job, runs in by_job.items():
            self._by_job[job] = tuple(sorted(runs, key=lambda run: run.id))


def _is_updated_since(moment: datetime) -> sa.ColumnElement[bool]:
    """Whether a run has changed since. Naming all statuses lets the index lead to the rows."""
    statuses = [status.value for status in dg.DagsterRunStatus]
    # the database has naive UTC
    naive = moment.astimezone(UTC).replace(tzinfo=None)
    return RunsTable.c.status.in_(statuses) & (RunsTable.c.update_timestamp >= naive)


def _runs(storage: SqlRunStorage, is_wanted: sa.ColumnElement[bool]) -> list[Run]:
    """Return the columns needed of each run. ``get_run_records`` would parse each run's body."""
    runs, repository, concurrency = RunsTable.c, RunTagsTable.alias(), RunTagsTable.alias()

    def has(tag: sa.FromClause, key: str) -> sa.ColumnElement[bool]:
        # SQLite, which has no statistics here, would look up all tags of this key for each run. An
        # expression leaves it the index of the run.
        return (tag.c.run_id == runs.run_id) & (sa.func.coalesce(tag.c.key, "") == key)

    query = (
        sa.select(
            runs.id, runs.run_id, runs.pipeline_name, runs.status, runs.create_timestamp,
            runs.update_timestamp, runs.start_time, runs.end_time,
            repository.c.value.label("repository"), concurrency.c.value.label("concurrency_key"),
        )
        .select_from(
            RunsTable.outerjoin(repository, has(repository, _REPOSITORY_TAG))
            .outerjoin(concurrency, has(concurrency, _CONCURRENCY_TAG))
        )
        .where(is_wanted)
    )  # fmt: skip
    with storage.connect() as connection:
        return [
            Run(
                id=row.id,
                run_id=row.run_id,
                job=((row.repository or "").rpartition("@")[2], row.pipeline_name),
                status=row.status,
                created_at=row.create_timestamp.replace(tzinfo=UTC).timestamp(),
                updated_at=row.update_timestamp.replace(tzinfo=UTC).timestamp(),
                start_time=row.start_time,
                end_time=row.end_time,
                concurrency_key=row.concurrency_key or "",
            )
            for row in connection.execute(query)
        ]
