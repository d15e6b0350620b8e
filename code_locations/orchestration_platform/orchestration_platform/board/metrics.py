"""The board as metrics for Prometheus, in its text format."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from orchestration_platform.board.board import Board
from orchestration_platform.board.health import Health

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def metrics(board: Board) -> bytes:
    """Return the exposition of ``board``."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_BoardCollector(board))
    return generate_latest(registry)


class _BoardCollector(Collector):
    def __init__(self, board: Board) -> None:
        self._board = board

    def collect(self) -> Iterable[GaugeMetricFamily]:
        yield from _assets(self._board)
        yield from _jobs(self._board)
        yield from _platform(self._board)
        yield from _alerts(self._board)


def _gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"dagster_{name}", meaning, labels=labels)


def _assets(board: Board) -> Iterable[GaugeMetricFamily]:
    labels = ("asset", "location", "group")
    health = _gauge("asset_health", "1 for the asset's present state, 0 else", *labels, "health")
    last = _gauge(
        "asset_last_materialization_timestamp_seconds", "The last materialization", *labels
    )
    for asset in board.assets:
        names = [asset.name, asset.location, asset.group]
        for state in Health:
            health.add_metric([*names, state.name.lower()], float(asset.health is state))
        if asset.last_success_at:
            last.add_metric(names, asset.last_success_at)
    yield from (health, last)


def _jobs(board: Board) -> Iterable[GaugeMetricFamily]:
    labels = ("job", "location")
    runs = _gauge("job_runs_14_days", "Runs created in the last 14 days", *labels, "status")
    failing = _gauge("job_failing", "1 if the job's last ended run failed, 0 else", *labels)
    success = _gauge("job_last_success_timestamp_seconds", "End of the last success", *labels)
    duration = _gauge(
        "job_duration_seconds", "Duration of the successes of 14 days", *labels, "quantile"
    )
    queue = _gauge("job_queue_seconds", "Median time from creation to start", *labels)
    for job in board.jobs:
        names = [job.job, job.location]
        for status in ("succeeded", "failed", "canceled", "unfinished"):
            runs.add_metric([*names, status], sum(getattr(day, status) for day in job.days))
        failing.add_metric(names, float(job.failing_since is not None))
        if job.last_success_at:
            success.add_metric(names, job.last_success_at)
        if job.median_seconds is not None and job.p95_seconds is not None:
            duration.add_metric([*names, "0.5"], job.median_seconds)
            duration.add_metric([*names, "0.95"], job.p95_seconds)
        if job.queue_seconds is not None:
            queue.add_metric(names, job.queue_seconds)
    yield from (runs, failing, success, duration, queue)


def _platform(board: Board) -> Iterable[GaugeMetricFamily]:
    attention = _gauge("attention", "Things that need attention", "kind", "health")
    kinds = [(item.kind, item.health.name.lower()) for item in board.attention]
    for kind, health in sorted(set(kinds)):
        attention.add_metric([kind, health], kinds.count((kind, health)))
    runs = _gauge("runs", "Runs that have not ended", "state")
    for state, count in board.runs.items():
        runs.add_metric([state], count)
    heartbeat = _gauge("daemon_heartbeat_timestamp_seconds", "The last heartbeat", "daemon")
    for name, at in board.daemons.items():
        heartbeat.add_metric([name], at or 0.0)
    slots = _gauge("pool_slots", "Slots of a pool", "pool")
    taken = _gauge("pool_slots_taken", "Slots of a pool that are taken", "pool")
    waiting = _gauge("pool_steps_waiting", "Steps that wait for a slot", "pool")
    for pool in board.pools:
        for family, count in ((slots, pool.slots), (taken, pool.taken), (waiting, pool.waiting)):
            family.add_metric([pool.name], count)
    yield from (attention, runs, heartbeat, slots, taken, waiting)


def _alerts(board: Board) -> Iterable[GaugeMetricFamily]:
    incidents = _gauge("incidents_open", "Open incidents", "acknowledged")
    taken = sum(bool(incident.acknowledged_by) for incident in board.alerts.incidents)
    incidents.add_metric(["yes"], taken)
    incidents.add_metric(["no"], len(board.alerts.incidents) - taken)
    messages = _gauge("alert_messages_30_days", "Messages of the last 30 days", "state")
    for state, count in board.alerts.messages.items():
        messages.add_metric([state], count)
    waiting = _gauge(
        "alert_oldest_waiting_timestamp_seconds", "Since when a message or its update has waited"
    )
    if board.alerts.outbox.pending_since:
        waiting.add_metric([], board.alerts.outbox.pending_since)
    yield from (incidents, messages, waiting)
