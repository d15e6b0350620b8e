"""Daemons, code locations, schedules and sensors, and what waits for a slot."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from shared_lib.stored_errors import innermost_message


@dataclass(frozen=True)
class Problem:
    """Something of the platform itself that does not work.

    Attributes:
        kind: Daemon, Code location, Schedule or Sensor.
        name: its name.
        location: its code location, empty for a daemon.
        text: what is wrong.
        since: in seconds since 1970, None if unknown.
    """

    kind: str
    name: str
    location: str
    text: str
    since: float | None


@dataclass(frozen=True)
class Pool:
    """A pool: how many of its slots are taken, and how many steps wait for one."""

    name: str
    slots: int
    taken: int
    waiting: int


def daemons(instance: dg.DagsterInstance) -> dict[str, float | None]:
    """Return each required daemon with its last heartbeat, in seconds since 1970."""
    return {
        name: status.last_heartbeat.timestamp if status.last_heartbeat else None
        for name, status in instance.get_daemon_statuses().items()
        if status.required
    }


def problems(context: BaseWorkspaceRequestContext) -> list[Problem]:
    """Return what does not work, daemons first."""
    return [
        *_daemon_problems(context.instance),
        *_location_problems(context),
        *_tick_problems(context.instance),
    ]


def _daemon_problems(instance: dg.DagsterInstance) -> list[Problem]:
    required = {
        name: status for name, status in instance.get_daemon_statuses().items() if status.required
    }
    silent = {name: status for name, status in required.items() if not status.healthy}
    if not silent:
        return []
    beats = [beat.timestamp for status in silent.values() if (beat := status.last_heartbeat)]
    text = "no recent heartbeat: it does not run"
    if len(silent) < len(required):
        text = f"no recent heartbeat of {', '.join(sorted(silent))}"
    return [Problem("Daemon", "dagster-daemon", "", text, min(beats) if beats else None)]


def _location_problems(context: BaseWorkspaceRequestContext) -> list[Problem]:
    return [
        Problem(
            "Code location", name, name, innermost_message(entry.load_error),
            entry.update_timestamp,
        )
        for name, entry in context.get_code_location_entries().items()
        if entry.load_error is not None
    ]  # fmt: skip


def _tick_problems(instance: dg.DagsterInstance) -> list[Problem]:
    """Return the running schedules and sensors whose last tick failed."""
    running = {
        state.selector_id: state
        for state in instance.all_instigator_state()
        if state.status in (InstigatorStatus.RUNNING, InstigatorStatus.DECLARED_IN_CODE)
    }
    storage = instance.schedule_storage
    if storage is None or not running:
        return []
    # one query for all; ticks that have begun and not ended say nothing yet
    ended = [TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.SKIPPED]
    ticks = storage.get_batch_ticks(list(running), limit=1, statuses=ended)
    return [
        Problem(
            state.instigator_type.value.capitalize(),
            state.instigator_name,
            state.origin.repository_origin.code_location_origin.location_name,
            tick.error.message.strip() if tick.error else "its last tick failed",
            tick.timestamp,
        )
        for selector, state in running.items()
        for tick in ticks.get(selector, ())
        if tick.status is TickStatus.FAILURE
    ]


def pools(instance: dg.DagsterInstance) -> Sequence[Pool]:
    """Return the pools that have been used, by name."""
    storage = instance.event_log_storage
    found = (storage.get_concurrency_info(name) for name in sorted(storage.get_concurrency_keys()))
    return [
        Pool(info.concurrency_key, info.slot_count, info.active_slot_count, info.pending_step_count)
        for info in found
    ]
