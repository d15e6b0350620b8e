"""Metrics of jobs, their runs and the queue."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from orchestration_platform.board.history.job_history import JobHistory
from orchestration_platform.board.history.run_window import JobName, Run, Runs
from orchestration_platform.board.metrics.metric import Family, Metric

_JOB = ("job_name", "location")
_ACTIVE = ("queued", "starting", "started")
_COMPLETED = ("success", "failure", "canceled")

ACTIVE = Metric("dagster_active_runs", "Runs that have not ended", (*_JOB, "status"))
ACTIVE_SECONDS = Metric(
    "dagster_active_run_duration_seconds",
    "Longest time that a run that has not ended has been in its status",
    (*_JOB, "status"),
)
COMPLETED = Metric(
    "dagster_completed_runs_total",
    "Runs that have ended since the webserver started",
    (*_JOB, "status"),
    "counter",
)
LAST = Metric(
    "dagster_last_run_info",
    "1 with the status of the last run of 14 days that has ended",
    (*_JOB, "status"),
)
LAST_SECONDS = Metric(
    "dagster_last_run_duration_seconds",
    "Time from the creation to the end of that run",
    (*_JOB, "status"),
)
FAILING = Metric("dagster_job_failing", "1 if that run failed, 0 else", _JOB)
LAST_SUCCESS = Metric(
    "dagster_job_last_success_timestamp_seconds", "End of the last success of 14 days", _JOB
)
CREATED = Metric(
    "dagster_job_recent_runs",
    "Runs created in 14 days: succeeded, failed, canceled or unfinished",
    (*_JOB, "status"),
)
SECONDS = Metric(
    "dagster_job_duration_seconds",
    "Percentile of the duration of the runs of 14 days that succeeded, from start to end",
    (*_JOB, "percentile"),
)
QUEUE_SECONDS = Metric(
    "dagster_job_queue_seconds", "Median time of 14 days from creation to start", _JOB
)
BACKLOG = Metric(
    "dagster_run_queue_concurrency_key_backlog",
    "Queued runs with this value of the tag dagster/concurrency_key",
    ("concurrency_key",),
)
METRICS = (
    ACTIVE, ACTIVE_SECONDS, COMPLETED, LAST, LAST_SECONDS, FAILING, LAST_SUCCESS, CREATED, SECONDS,
    QUEUE_SECONDS, BACKLOG,
)  # fmt: skip


def run_families(
    runs: Runs, defined: Iterable[JobName], keys: Iterable[str], *, now: float
) -> Iterable[Family]:
    """Yield the metrics of runs.

    Args:
        runs: the runs.
        defined: the jobs of the workspace, which have zeros without a run.
        keys: the concurrency keys that have been seen, which have zeros without a run.
        now: in seconds since 1970.
    """
    active: dict[tuple[JobName, str], list[Run]] = defaultdict(list)
    for run in runs.unfinished:
        active[run.job, run.status.lower()].append(run)
    jobs = {*defined, *runs.by_job}
    count, seconds, completed = ACTIVE.family(), ACTIVE_SECONDS.family(), COMPLETED.family()
    for (location, job), status in sorted({*((job, s) for job in jobs for s in _ACTIVE), *active}):
        found = active[(location, job), status]
        count.add_metric([job, location, status], len(found))
        longest = max((now - run.updated_at for run in found), default=0.0)
        seconds.add_metric([job, location, status], max(longest, 0.0))
    ended = {(job, status.lower()): number for (job, status), number in runs.completed.items()}
    for name, status in sorted({*((job, s) for job in jobs for s in _COMPLETED), *ended}):
        location, job = name
        completed.add_metric([job, location, status], ended.get((name, status), 0))
    backlog = BACKLOG.family()
    queued = Counter(run.concurrency_key for run in runs.unfinished if run.status == "QUEUED")
    for key in sorted(keys):
        backlog.add_metric([key], queued[key])
    yield from (count, seconds, completed, backlog)


def job_families(jobs: Sequence[JobHistory]) -> Iterable[Family]:
    """Yield the metrics of the jobs with runs."""
    last, last_seconds, failing = LAST.family(), LAST_SECONDS.family(), FAILING.family()
    success, created = LAST_SUCCESS.family(), CREATED.family()
    seconds, queue = SECONDS.family(), QUEUE_SECONDS.family()
    for job in jobs:
        names = [job.job, job.location]
        for status in ("succeeded", "failed", "canceled", "unfinished"):
            created.add_metric([*names, status], sum(getattr(day, status) for day in job.days))
        failing.add_metric(names, float(job.failing_since is not None))
        status = job.last_status.lower()
        for family, labels, value in (
            (last, [*names, status], 1.0 if status else None),
            (last_seconds, [*names, status], job.last_seconds),
            (success, names, job.last_success_at),
            (seconds, [*names, "50"], job.median_seconds),
            (seconds, [*names, "95"], job.p95_seconds),
            (queue, names, job.queue_seconds),
        ):
            if value is not None:
                family.add_metric(labels, value)
    yield from (last, last_seconds, failing, success, created, seconds, queue)
