"""Wait until no run is going on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import dagster as dg

from shared_lib.run_queue import current_pause, daemon_has_seen

_SETTLED_SECONDS = 10.0
_POLL_SECONDS = 2.0
_DAEMON = "QUEUED_RUN_COORDINATOR"
# It reports twice a minute.
_DEAD_SECONDS = 150.0
_GOING_ON = (
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)


@dataclass(frozen=True)
class QueueState:
    """The runs that have not ended.

    Attributes:
        going_on: the ids of those whose process exists, each with its job.
        queued: how many wait in the queue.
    """

    going_on: dict[str, str]
    queued: int

    def __str__(self) -> str:
        """Return one line for people."""
        names = ", ".join(f"{job} ({run_id[:8]})" for run_id, job in self.going_on.items())
        names = f": {names}" if names else ""
        return f"{len(self.going_on)} runs going on{names}; {self.queued} queued"


def queue_state(instance: dg.DagsterInstance) -> QueueState:
    """Return the runs that have not ended."""
    runs = instance.get_runs(dg.RunsFilter(statuses=list(_GOING_ON)))
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    return QueueState({run.run_id: run.job_name for run in runs}, instance.get_runs_count(queued))


def wait_until_drained(
    instance: dg.DagsterInstance,
    *,
    seconds: float,
    report: Callable[[str], object],
    sleep: Callable[[float], object] = time.sleep,
) -> QueueState:
    """Wait until no run is going on; return the state then, or after ``seconds``.

    The daemon reads the limits of the queue once for several runs: what it has begun to take
    out when the queue is paused still starts, however long that takes. So it must have looked at
    the queue again, if it is alive, and no run must be going on for a while.

    Args:
        instance: whose queue is paused.
        seconds: how long to wait.
        report: called with the state whenever it has changed.
        sleep: waits for a number of seconds.
    """
    reported = ""
    waited = quiet = 0.0
    while True:
        state = queue_state(instance)
        if str(state) != reported:
            reported = str(state)
            report(reported)
        is_quiet = not state.going_on and _starts_nothing(instance)
        quiet = quiet + _POLL_SECONDS if is_quiet else 0.0
        if quiet > _SETTLED_SECONDS or waited >= seconds:
            return state
        sleep(_POLL_SECONDS)
        waited += _POLL_SECONDS


def _starts_nothing(instance: dg.DagsterInstance) -> bool:
    """Whether the daemon knows of the pause, or is not there."""
    heartbeat = instance.get_daemon_heartbeats().get(_DAEMON)
    is_dead = heartbeat is None or heartbeat.timestamp < time.time() - _DEAD_SECONDS
    pause = current_pause(instance, now=time.time())
    return is_dead or pause is None or daemon_has_seen(instance, pause)
