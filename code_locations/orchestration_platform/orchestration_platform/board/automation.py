"""Daemons, code locations, schedules and sensors, and what waits for a slot."""

from collections.abc import Sequence
from dataclasses import dataclass

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, TickStatus
from dagster._core.workspace.context import BaseWorkspaceRequestContext

from orchestration_platform.board.last_ticks import last_ticks
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
    """A pool: how many of its slots are taken, and how many steps wait for one.

    Attributes:
        name: its name.
        slots: how many there are now.
        taken: in use.
        assigned: steps with a slot that have not begun.
        waiting: steps that wait for a slot.
        limit: how many slots there may be, None without a limit.
        has_default_limit: the limit is that of all pools.
    """

    name: str
    slots: int
    taken: int
    assigned: int
    waiting: int
    limit: int | None
    has_default_limit: bool


@dataclass(frozen=True)
class Daemon:
    """A daemon, with its last heartbeat in seconds since 1970."""

    name: str
    is_required: bool
    is_healthy: bool
    heartbeat_at: float | None


@dataclass(frozen=True)
class Instigator:
    """A schedule or sensor of the workspace.

    Attributes:
        kind: schedule or sensor.
        name: its name.
        location: its code location.
        is_running: whether it is on.
        tick_status: of its last tick, empty before the first.
        tick_at: the time of that tick, in seconds since 1970.
    """

    kind: str
    name: str
    location: str
    is_running: bool
    tick_status: str
    tick_at: float


def all_daemons(instance: dg.DagsterInstance) -> list[Daemon]:
    """Return every daemon, required or not."""
    return [
        Daemon(
            name,
            status.required,
            bool(status.healthy),
            status.last_heartbeat.timestamp if status.last_heartbeat else None,
        )
        for name, status in instance.get_daemon_statuses().items()
    ]


def locations(context: BaseWorkspaceRequestContext) -> dict[str, bool]:
    """Return whether each code location loads."""
    return {
        name: entry.load_error is None
        for name, entry in context.get_code_location_entries().items()
    }


def defined_jobs(context: BaseWorkspaceRequestContext) -> list[tuple[str, str]]:
    """Return location and name of each job of the workspace."""
    return [
        (location.name, job.name)
        for location in context.code_locations
        for repository in location.get_repositories().values()
        for job in repository.get_all_jobs()
    ]


def instigators(context: BaseWorkspaceRequestContext) -> list[Instigator]:
    """Return the schedules and sensors of the workspace."""
    instance = context.instance
    stored = {state.selector_id: state for state in instance.all_instigator_state()}
    defined = [
        (kind, location.name, found)
        for location in context.code_locations
        for repository in location.get_repositories().values()
        for kind, those in (
            ("schedule", repository.get_schedules()),
            ("sensor", repository.get_sensors()),
        )
        for found in those
    ]
    ticked = [selector for _, _, found in defined if (selector := found.selector_id) in stored]
    ticks = last_ticks(instance, ticked)
    found = []
    for kind, location, definition in defined:
        selector = definition.selector_id
        state = definition.get_current_instigator_state(stored.get(selector))
        tick = ticks.get(selector)
        found.append(
            Instigator(
                kind,
                definition.name,
                location,
                state.status is not InstigatorStatus.STOPPED,
                tick.status.value.lower() if tick else "",
                tick.timestamp if tick else 0.0,
            )
        )
    return found


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
    # ticks that have begun and not ended say nothing yet
    ended = [TickStatus.SUCCESS, TickStatus.FAILURE, TickStatus.SKIPPED]
    ticks = last_ticks(instance, running, statuses=ended)
    return [
        Problem(
            state.instigator_type.value.capitalize(),
            state.instigator_name,
            state.origin.repository_origin.code_location_origin.location_name,
            tick.error.message.strip() if tick.error else "its last tick failed",
            tick.timestamp,
        )
        for selector, state in running.items()
        if (tick := ticks.get(selector)) and tick.status is TickStatus.FAILURE
    ]


def pools(instance: dg.DagsterInstance) -> Sequence[Pool]:
    """Return the pools that have been used, by name."""
    storage = instance.event_log_storage
    found = (storage.get_concurrency_info(name) for name in sorted(storage.get_concurrency_keys()))
    return [
        Pool(
            info.concurrency_key,
            info.slot_count,
            info.active_slot_count,
            info.assigned_step_count,
            info.pending_step_count,
            info.limit,
            bool(info.using_default_limit),
        )
        for info in found
    ]
