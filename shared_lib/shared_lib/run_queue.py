"""The queue of runs, which people can pause; ``dagster.yaml`` names it.

While it is paused, whatever launches runs goes on doing so: their runs wait in the queue, and start
when it is resumed. The state is in Dagster's own storage, where every process finds it.
"""

import json
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster._core.run_coordinator.queued_run_coordinator import RunQueueConfig

from shared_lib.warehouse.parts_in_queue import LIMIT, part_tags, widen_pools

_KEY = "platform/paused_queue"
_SEEN_KEY = "platform/run_queue_pause_seen"


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Why no run starts.

    Attributes:
        since: when it began, in seconds since 1970, as all times here.
        until: when it ends by itself; None if a person has to end it.
        person: who paused the queue.
        reason: why.
    """

    since: float
    until: float | None
    person: str
    reason: str

    def __str__(self) -> str:
        """Return one line for people."""
        until = "until somebody resumes it"
        if self.until is not None:
            until = f"until {datetime.fromtimestamp(self.until, UTC):%Y-%m-%d %H:%M} UTC"
        return f"{until}, {self.person}: {self.reason}"


def current_pause(instance: dg.DagsterInstance, *, now: float) -> Pause | None:
    """Return the pause that is in force at ``now``."""
    stored = instance.run_storage.get_cursor_values({_KEY}).get(_KEY)
    if not stored:
        return None
    pause = Pause(**json.loads(stored))
    return pause if pause.until is None or now < pause.until else None


def pause(instance: dg.DagsterInstance, pause: Pause) -> None:
    """Start no queued run until ``pause`` ends; it takes the place of an earlier one."""
    instance.run_storage.set_cursor_values({_KEY: json.dumps(asdict(pause))})


def resume(instance: dg.DagsterInstance) -> None:
    """Start queued runs again."""
    instance.run_storage.set_cursor_values({_KEY: ""})


def daemon_has_seen(instance: dg.DagsterInstance, pause: Pause) -> bool:
    """Return whether the daemon has looked at the queue since ``pause`` began.

    Until then it may be about to start runs that it has taken out before.
    """
    seen = instance.run_storage.get_cursor_values({_SEEN_KEY}).get(_SEEN_KEY)
    return seen == repr(pause.since)


class PausableRunCoordinator(dg.QueuedRunCoordinator):
    """Dagster's queue, of which no run starts during a pause, and one for each part of a lake."""

    def submit_run(self, context: dg.SubmitRunContext) -> dg.DagsterRun:
        """Queue a run, with a tag of the part of a lake that it writes."""
        if tags := part_tags(context.dagster_run):
            self._instance.add_run_tags(context.dagster_run.run_id, tags)
        return super().submit_run(context)

    def get_run_queue_config(self) -> RunQueueConfig:
        """Return the limits, which the daemon reads before each look at the queue."""
        limits = super().get_run_queue_config()
        widen_pools(self._instance, limits.max_concurrent_runs)
        limits = limits._replace(tag_concurrency_limits=[*limits.tag_concurrency_limits, LIMIT])
        pause = current_pause(self._instance, now=time.time())
        if pause is None:
            return limits
        if not daemon_has_seen(self._instance, pause):
            self._instance.run_storage.set_cursor_values({_SEEN_KEY: repr(pause.since)})
        return limits._replace(max_concurrent_runs=0)
