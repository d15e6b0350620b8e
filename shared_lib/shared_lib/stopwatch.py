"""The time and the CPU time that a step takes."""

import resource
import time


class Stopwatch:
    """Measures what has been spent since it was made.

    CPU time is that of all threads of this process, and of its child processes that have ended. It
    is that of one step, because Dagster's executors run one step at a time in a process.
    """

    def __init__(self) -> None:
        """Begin."""
        self._begun, self._cpu_begun = time.perf_counter(), _cpu_seconds()

    @property
    def seconds(self) -> float:
        """The time that has passed."""
        return time.perf_counter() - self._begun

    @property
    def cpu_seconds(self) -> float:
        """The CPU time that was spent."""
        return _cpu_seconds() - self._cpu_begun


def _cpu_seconds() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)
