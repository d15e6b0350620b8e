"""Metrics of daemons, code locations, schedules, sensors and pools."""

from collections.abc import Iterable, Mapping, Sequence

from orchestration_platform.board.automation import Daemon, Instigator, Pool
from orchestration_platform.board.metrics.metric import Family, Metric

DAEMON_HEALTHY = Metric(
    "dagster_daemon_healthy",
    "1 if Dagster calls the daemon healthy: its last heartbeat is less than 30 minutes old",
    ("daemon_type", "required"),
)
HEARTBEAT = Metric(
    "dagster_daemon_last_heartbeat_timestamp_seconds",
    "Time of the last heartbeat of the daemon",
    ("daemon_type",),
)
LOAD_ERROR = Metric(
    "dagster_code_location_load_error",
    "1 if the code location does not load, 0 else",
    ("location",),
)
STATUSES, TICKS, TICK_TIMES = (
    {
        kind: Metric(f"dagster_{kind}_{name}", meaning.format(kind), (f"{kind}_name", *labels))
        for kind in ("schedule", "sensor")
    }
    for name, meaning, labels in (
        ("status", "1 with whether the {} is running or stopped", ("location", "status")),
        (
            "last_tick_status",
            "1 with the status of the last tick of the {}: started, skipped, success or failure",
            ("location", "status"),
        ),
        ("last_tick_timestamp_seconds", "Time of the last tick of the {}", ("location",)),
    )
)
LIMIT = Metric(
    "dagster_op_pool_concurrency_limit", "Slots of the pool", ("pool", "using_default_limit")
)
ACTIVE_SLOTS = Metric(
    "dagster_op_pool_concurrency_active_slots", "Slots of the pool in use", ("pool",)
)
ASSIGNED_STEPS = Metric(
    "dagster_op_pool_concurrency_assigned_steps", "Steps with a slot that have not begun", ("pool",)
)
PENDING_STEPS = Metric(
    "dagster_op_pool_concurrency_pending_steps", "Steps that wait for a slot", ("pool",)
)
METRICS = (
    DAEMON_HEALTHY, HEARTBEAT, LOAD_ERROR, *STATUSES.values(), *TICKS.values(),
    *TICK_TIMES.values(), LIMIT, ACTIVE_SLOTS, ASSIGNED_STEPS, PENDING_STEPS,
)  # fmt: skip


def daemon_families(daemons: Sequence[Daemon]) -> Iterable[Family]:
    """Yield the metrics of the daemons."""
    healthy, heartbeat = DAEMON_HEALTHY.family(), HEARTBEAT.family()
    for daemon in daemons:
        healthy.add_metric([daemon.name, _boolean(daemon.is_required)], float(daemon.is_healthy))
        if daemon.heartbeat_at:
            heartbeat.add_metric([daemon.name], daemon.heartbeat_at)
    yield from (healthy, heartbeat)


def location_families(loads: Mapping[str, bool]) -> Iterable[Family]:
    """Yield the metric of the code locations: whether each loads."""
    error = LOAD_ERROR.family()
    for name, does_load in loads.items():
        error.add_metric([name], float(not does_load))
    yield error


def instigator_families(instigators: Sequence[Instigator]) -> Iterable[Family]:
    """Yield the metrics of the schedules and sensors."""
    for kind in STATUSES:
        status, tick, at = STATUSES[kind].family(), TICKS[kind].family(), TICK_TIMES[kind].family()
        for found in instigators:
            if found.kind != kind:
                continue
            names = [found.name, found.location]
            status.add_metric([*names, "running" if found.is_running else "stopped"], 1)
            if found.tick_status:
                tick.add_metric([*names, found.tick_status], 1)
                at.add_metric(names, found.tick_at)
        yield from (status, tick, at)


def pool_families(pools: Sequence[Pool]) -> Iterable[Family]:
    """Yield the metrics of the pools."""
    limit, active = LIMIT.family(), ACTIVE_SLOTS.family()
    assigned, pending = ASSIGNED_STEPS.family(), PENDING_STEPS.family()
    for pool in pools:
        if pool.limit is not None:
            limit.add_metric([pool.name, _boolean(pool.has_default_limit)], pool.limit)
        active.add_metric([pool.name], pool.taken)
        assigned.add_metric([pool.name], pool.assigned)
        pending.add_metric([pool.name], pool.waiting)
    yield from (limit, active, assigned, pending)


def _boolean(value: bool) -> str:  # noqa: FBT001 - its only argument
    return str(value).lower()
