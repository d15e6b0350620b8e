"""What needs attention, the worst first."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import dagster as dg

from orchestration_platform.board.alerting import Alerting, OpenIncident
from orchestration_platform.board.asset_health import AssetHealth
from orchestration_platform.board.automation import Problem
from orchestration_platform.board.health import Health
from orchestration_platform.board.history.job_history import ASSET_JOB, JobHistory
from shared_lib.run_queue import current_pause

_FAILED = "FAILURE"
# Of what is equally bad: first what stops the most.
_KINDS = ("Daemon", "Code location", "Schedule", "Sensor", "Job", "Run", "Asset", "Destination")

# A message that waits longer was not delivered at the first attempt.
_WAITING_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Attention:
    """Something that a person should look at.

    Attributes:
        health: degraded or a warning.
        kind: Asset, Job, Run, Schedule, Sensor, Code location, Daemon or Destination.
        name: its name.
        location: its code location, empty where it has none.
        text: what is wrong, on one line.
        since: since when, in seconds since 1970, None if unknown.
        last_good_at: when it last was OK.
        owners: of the asset.
        incident: the open incident about it.
        run_id: the run to look at; empty without one.
        downstream: how many assets are made of it.
        runbook: what to do, an address or a text; empty if nothing says.
        failed_run_id: of an asset, the failed run that was to make it; empty without one.
        caused: what the same failed run has caused.
    """

    health: Health
    kind: str
    name: str
    location: str
    text: str
    since: float | None = None
    last_good_at: float | None = None
    owners: tuple[str, ...] = ()
    incident: OpenIncident | None = None
    run_id: str = ""
    downstream: int = 0
    runbook: str = ""
    failed_run_id: str = ""
    caused: tuple["Attention", ...] = ()


def attention(
    assets: Sequence[AssetHealth],
    jobs: Sequence[JobHistory],
    broken: Sequence[Problem],
    alerts: Alerting,
    *,
    now: float,
) -> list[Attention]:
    """Return what needs attention, the worst first.

    An open incident belongs to the row of what it is about, or is a row of its own.
    """
    items = [
        *(_of_problem(problem) for problem in broken),
        *_of_jobs(jobs),
        *_of_assets(assets),
        *_of_destinations(alerts, now=now),
    ]
    items, others = _with_incidents(items, alerts.incidents)
    items.extend(_of_incident(incident) for incident in others)
    return sorted(items, key=lambda item: rank(item, now))


def rank(item: Attention, now: float) -> tuple[object, ...]:
    """Return what to sort by: the worst first, then what stops the most."""
    kind = _KINDS.index(item.kind) if item.kind in _KINDS else len(_KINDS)
    return item.health, kind, -item.downstream, item.since or now, item.name


def of_queue(instance: dg.DagsterInstance, *, now: float) -> Iterable[Attention]:
    """Return why no run starts."""
    pause = current_pause(instance, now=now)
    if pause is not None:
        yield Attention(
            health=Health.WARNING,
            kind="Queue",
            name="runs",
            location="",
            text=f"no run starts {pause}",
            since=pause.since,
        )


def _of_problem(problem: Problem) -> Attention:
    return Attention(
        health=Health.DEGRADED,
        kind=problem.kind,
        name=problem.name,
        location=problem.location,
        text=problem.text,
        since=problem.since,
    )


def _of_jobs(jobs: Iterable[JobHistory]) -> Iterable[Attention]:
    for job in jobs:
        # what failed in a run of chosen assets is seen at the assets
        if job.last_status == _FAILED and job.job != ASSET_JOB:
            yield Attention(
                health=Health.DEGRADED,
                kind="Job",
                name=job.job,
                location=job.location,
                text="its last run failed",
                since=job.failing_since,
                last_good_at=job.last_success_at,
                run_id=job.last_run_id,
            )


def _of_assets(assets: Sequence[AssetHealth]) -> Iterable[Attention]:
    downstream: dict[str, int] = {}
    for asset in assets:
        for above in asset.upstream_degraded:
            downstream[above] = downstream.get(above, 0) + 1
    for asset in assets:
        if asset.health in (Health.DEGRADED, Health.WARNING):
            failed_run_id = asset.unmade_run_id if asset.last_run_status == "failure" else ""
            yield Attention(
                health=asset.health,
                kind="Asset",
                name=asset.name,
                location=asset.location,
                text=asset.reason,
                last_good_at=asset.last_success_at,
                owners=asset.owners,
                run_id=failed_run_id or asset.run_id,
                failed_run_id=failed_run_id,
                downstream=downstream.get(asset.name, 0),
                runbook=asset.runbook,
            )


def _of_destinations(alerts: Alerting, *, now: float) -> Iterable[Attention]:
    oldest = alerts.outbox.pending_since
    if not alerts.outbox.reasons or oldest is None or now - oldest < _WAITING_SECONDS:
        return
    for destination, reason in sorted(alerts.outbox.reasons.items()):
        yield Attention(
            health=Health.WARNING,
            kind="Destination",
            name=destination,
            location="",
            text=f"alerts wait: {reason}",
            since=oldest,
        )


def _with_incidents(
    items: Sequence[Attention], incidents: Iterable[OpenIncident]
) -> tuple[list[Attention], list[OpenIncident]]:
    """Attach each incident to the items it is about; also return those that are about none."""
    rows = list(items)
    by_name: dict[tuple[str, str], list[int]] = {}
    for index, item in enumerate(items):
        by_name.setdefault((item.location, item.name), []).append(index)
    alone = []
    for incident in incidents:
        names = [incident.subject, *incident.assets]
        about = [index for name in names for index in by_name.get((incident.location, name), ())]
        for index in about:
            item = rows[index]
            rows[index] = replace(
                item,
                incident=item.incident or incident,
                since=item.since or incident.first_at,
                last_good_at=item.last_good_at or incident.last_success_at,
                owners=item.owners or incident.owners,
                run_id=item.run_id or incident.run_id,
                runbook=item.runbook or incident.runbook,
            )
        if not about:
            alone.append(incident)
    return rows, alone


def _of_incident(incident: OpenIncident) -> Attention:
    return Attention(
        health=Health.DEGRADED if incident.is_severe else Health.WARNING,
        kind=incident.kind,
        name=incident.subject,
        location=incident.location,
        text=incident.text,
        since=incident.first_at,
        last_good_at=incident.last_success_at,
        owners=incident.owners,
        incident=incident,
        run_id=incident.run_id,
        runbook=incident.runbook,
    )
