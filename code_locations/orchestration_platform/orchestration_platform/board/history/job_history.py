"""The runs of each job over the last two weeks."""

import statistics
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from orchestration_platform.board.history.percentile import percentile
from orchestration_platform.board.history.run_window import JobName, Run, Runs
from orchestration_platform.board.history.shown_days import DAYS

# Dagster's name of the job that materializes assets chosen by hand or by automation.
ASSET_JOB = "__ASSET_JOB"
_SUCCESS, _FAILURE, _CANCELED = "SUCCESS", "FAILURE", "CANCELED"


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
        last_seconds: from its creation to its end.
        last_ended_at: its end, in seconds since 1970, as all times here.
        last_success_at: the end of the newest run that succeeded.
        failing_since: the end of the first of the runs that have failed in a row until now.
        durations: of the runs that succeeded, from start to end, the shortest first.
        median_seconds: of the durations of the runs that succeeded, None without one.
        p95_seconds: their 95th percentile.
        queue_seconds: the median time from a run's creation to its start.
        queue_p95_seconds: its 95th percentile.
    """

    location: str
    job: str
    days: Sequence[Day]
    last_status: str
    last_run_id: str
    last_seconds: float | None
    last_ended_at: float | None
    last_success_at: float | None
    failing_since: float | None
    durations: Sequence[float]
    median_seconds: float | None
    p95_seconds: float | None
    queue_seconds: float | None
    queue_p95_seconds: float | None

    def slower_than(self, seconds: float) -> int:
        """Return how many runs took longer."""
        return len(self.durations) - bisect_right(self.durations, seconds)


class JobHistories:
    """The histories, kept between reads: a job without a change is not counted again."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._known: dict[JobName, tuple[date, Sequence[Run], JobHistory]] = {}

    def read(self, runs: Runs) -> list[JobHistory]:
        """Return the jobs with runs in the window, by location and name."""
        known, self._known = self._known, {}
        for job, its_runs in sorted(runs.by_job.items()):
            first, before, history = known.get(job, (None, None, None))
            if history is None or first != runs.first or before is not its_runs:
                history = _history(job, its_runs, runs.first)
            self._known[job] = (runs.first, its_runs, history)
        return [history for _, _, history in self._known.values()]


def _history(name: JobName, rows: Sequence[Run], first: date) -> JobHistory:
    location, job = name
    ended = [row for row in rows if row.is_finished]
    succeeded = [row for row in ended if row.status == _SUCCESS]
    durations = sorted(
        row.end_time - row.start_time for row in succeeded if row.end_time and row.start_time
    )
    waits = [row.start_time - row.created_at for row in rows if row.start_time]
    last = ended[-1] if ended else None
    return JobHistory(
        location=location,
        job=job,
        days=_days(rows, first),
        last_status=last.status if last else "",
        last_run_id=last.run_id if last else "",
        last_seconds=last.end_time - last.created_at if last and last.end_time else None,
        last_ended_at=last.end_time if last else None,
        last_success_at=succeeded[-1].end_time if succeeded else None,
        failing_since=_failing_since(ended),
        durations=durations,
        median_seconds=statistics.median(durations) if durations else None,
        p95_seconds=percentile(durations, 0.95),
        queue_seconds=statistics.median(waits) if waits else None,
        queue_p95_seconds=percentile(sorted(waits), 0.95),
    )


def _days(rows: Sequence[Run], first: date) -> list[Day]:
    counts: dict[tuple[date, str], int] = defaultdict(int)
    for row in rows:
        status = row.status if row.is_finished else "unfinished"
        counts[datetime.fromtimestamp(row.created_at, UTC).date(), status] += 1
    dates = [first + timedelta(days=number) for number in range(DAYS)]
    return [
        Day(day, *(counts[day, status] for status in (_SUCCESS, _FAILURE, _CANCELED, "unfinished")))
        for day in dates
    ]


def _failing_since(ended: Sequence[Run]) -> float | None:
    since = None
    for row in reversed(ended):
        if row.status != _FAILURE:
            break
        since = row.end_time
    return since
