"""Whether runs that wait get their turn: the queue of runs, and the pools of steps."""

from datetime import UTC, datetime, timedelta

import dagster as dg


class Queue(dg.Config):
    """How long a run may wait, and how long it may take to start."""

    queued_minutes: float = 60.0
    starting_minutes: float = 15.0


_WAITING = (dg.DagsterRunStatus.QUEUED,)
_STARTING = (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)


@dg.asset_check(asset="platform_health")
def queue_moves(context: dg.AssetCheckExecutionContext, config: Queue) -> dg.AssetCheckResult:
    """No run has waited in the queue for long, or has been starting for long."""
    now = datetime.now(UTC)
    problems = []
    for statuses, minutes, what in (
        (_WAITING, config.queued_minutes, "waited in the queue"),
        (_STARTING, config.starting_minutes, "been starting"),
    ):
        late = dg.RunsFilter(statuses=[*statuses], updated_before=now - timedelta(minutes=minutes))
        count = context.instance.get_runs_count(late)
        if count:
            oldest = context.instance.get_run_records(late, limit=1, ascending=True)[0]
            problems.append(
                f"{count} {'run has' if count == 1 else 'runs have'} {what} for more than "
                f"{minutes:g} minutes, the oldest is {oldest.dagster_run.run_id} of "
                f"{oldest.dagster_run.job_name}"
            )
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or "no run has waited for long",
    )


@dg.asset_check(asset="platform_health")
def pools_are_released(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """No slot of a pool belongs to a run that has ended, while other steps wait for it."""
    storage = context.instance.event_log_storage
    problems = []
    for pool in sorted(storage.get_concurrency_keys()):
        info = storage.get_concurrency_info(pool)
        if not info.pending_step_count:
            continue
        ended = (
            context.instance.get_runs(
                dg.RunsFilter(run_ids=sorted(info.active_run_ids), statuses=[*_ENDED])
            )
            if info.active_run_ids
            else []
        )
        problems += [
            f"{info.pending_step_count} steps wait for the pool {pool}, which the run "
            f"{run.run_id} still holds although it has ended: free its slots on the page "
            "Deployment, Concurrency"
            for run in ended
        ]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or "no pool is held by a run that has ended",
    )


_ENDED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)
