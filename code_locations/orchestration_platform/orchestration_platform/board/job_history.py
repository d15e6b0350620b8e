"""The runs of each job over the last two weeks."""

import statistics
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable

DAYS = 14

# Dagster's name of the job that materializes assets chosen by hand or by automation.
ASSET_JOB = "__ASSET_JOB"
_REPOSITORY_TAG = ".dagster/repository"
_SUCCESS, _FAILURE, _CANCELED = "SUCCESS", "FAILURE", "CANCELED"
_UNFINISHED = frozenset({"QUEUED", "NOT_STARTED", "STARTING", "STARTED", "CANCELING"})


@dataclass(frozen=True)
class Day:
    """The runs of a job that were created on one day, UTC."""

    date: date
    succeeded: int
    failed: int
    canceled: int
    unfinished: int


@dataclass(frozen=True, kw_only=True)
class JobHistory:
    """A job and its runs of the last days.

    Attributes:
        location: its code location; empty for runs that name none.
        job: its name.
        days: one entry a day, the oldest first.
        last_status: of its newest run that has ended; empty if none has.
        last_run_id: the newest run that has ended.
        last_ended_at: its end, in seconds since 1970, as all times here.
        last_success_at: the end of the newest run that succeeded.
        failing_since: the end of the first of the runs that have failed in a row until now.
        median_seconds: of the durations of the runs that succeeded, None without one.
        p95_seconds: their 95th percentile.
        queue_seconds: the median time from a run's creation to its start.
    """

    location: str
    job: str
    days: Sequence[Day]
    last_status: str
    last_run_id: str
    last_ended_at: float | None
    last_success_at: float | None
    failing_since: float | None
    median_seconds: float | None
    p95_seconds: float | None
    queue_seconds: float | None


def job_histories(instance: dg.DagsterInstance, *, now: datetime) -> list[JobHistory]:
    """Return the jobs that had runs within :data:`DAYS` days before ``now``, by name."""
    first = (now - timedelta(days=DAYS - 1)).astimezone(UTC).date()
    by_job: dict[tuple[str, str], list[sa.Row]] = defaultdict(list)
    for row in _runs(instance, since=datetime(first.year, first.month, first.day, tzinfo=UTC)):
        location = (row.repository or "").rpartition("@")[2]
        by_job[location, row.pipeline_name].append(row)
    return [
        _history(location, job, rows, first) for (location, job), rows in sorted(by_job.items())
    ]


def _runs(instance: dg.DagsterInstance, *, since: datetime) -> Sequence[sa.Row]:
    """Return the columns needed of each run. ``get_run_records`` would parse each run's body."""
    storage = instance.run_storage
    if not isinstance(storage, SqlRunStorage):
        raise TypeError(f"the run storage {type(storage).__name__} has no SQL to read")
    runs, tags = RunsTable.c, RunTagsTable.c
    # SQLite, which has no statistics here, would look up all tags of this key for each run. An
    # expression leaves it the index of the run.
    is_repository = sa.func.coalesce(tags.key, "") == _REPOSITORY_TAG
    query = (
        sa.select(
            runs.run_id, runs.pipeline_name, runs.status, runs.create_timestamp, runs.start_time,
            runs.end_time, tags.value.label("repository"),
        )
        .select_from(
            RunsTable.outerjoin(
                RunTagsTable, (tags.run_id == runs.run_id) & is_repository
            )
        )
        # the database has naive UTC
        .where(runs.create_timestamp >= since.replace(tzinfo=None))
        .order_by(runs.id)
    )  # fmt: skip
    with storage.connect() as connection:
        return connection.execute(query).fetchall()


def _history(location: str, job: str, rows: Sequence[sa.Row], first: date) -> JobHistory:
    ended = [row for row in rows if row.status not in _UNFINISHED]
    succeeded = [row for row in ended if row.status == _SUCCESS]
    durations = sorted(
        row.end_time - row.start_time for row in succeeded if row.end_time and row.start_time
    )
    waits = [
        row.start_time - row.create_timestamp.replace(tzinfo=UTC).timestamp()
        for row in rows
        if row.start_time
    ]
    last = ended[-1] if ended else None
    return JobHistory(
        location=location,
        job=job,
        days=_days(rows, first),
        last_status=last.status if last else "",
        last_run_id=last.run_id if last else "",
        last_ended_at=last.end_time if last else None,
        last_success_at=succeeded[-1].end_time if succeeded else None,
        failing_since=_failing_since(ended),
        median_seconds=statistics.median(durations) if durations else None,
        p95_seconds=_percentile(durations, 0.95),
        queue_seconds=statistics.median(waits) if waits else None,
    )


def _days(rows: Sequence[sa.Row], first: date) -> list[Day]:
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for row in rows:
        status = "unfinished" if row.status in _UNFINISHED else row.status
        counts[row.create_timestamp.date(), status] += 1
    dates = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(day, *(counts[day, status] for status in (_SUCCESS, _FAILURE, _CANCELED, "unfinished")))
        for day in dates
    ]


def _failing_since(ended: Sequence[sa.Row]) -> float | None:
    since = None
    for row in reversed(ended):
        if row.status != _FAILURE:
            break
        since = row.end_time
    return since


def _percentile(ordered: Sequence[float], share: float) -> float | None:
    """Return the nearest-rank percentile."""
    return ordered[max(0, -(-int(share * 100) * len(ordered) // 100) - 1)] if ordered else None
