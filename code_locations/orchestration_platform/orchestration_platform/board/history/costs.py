"""What the runs of each job cost, of what was recorded."""

from collections import defaultdict
from collections.abc import Mapping

from orchestration_platform.board.history.materializations import Materializations
from orchestration_platform.board.history.run_window import JobName, Runs


def costs_by_job(runs: Runs, history: Materializations) -> Mapping[JobName, Mapping[str, float]]:
    """Return for each job the sums of its runs in the window.

    ``seconds`` is the time from start to end of the runs that have ended; ``rows``, ``bytes``,
    ``calls`` and ``cpu_seconds`` are what their materializations recorded.
    """
    found = {}
    for job, its_runs in runs.by_job.items():
        sums: dict[str, float] = defaultdict(float)
        for run in its_runs:
            if run.start_time and run.end_time:
                sums["seconds"] += run.end_time - run.start_time
            for what, number in history.by_run.get(run.run_id, {}).items():
                sums[what] += number
        found[job] = sums
    return found
