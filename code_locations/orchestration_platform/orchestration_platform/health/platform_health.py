"""The state of the Dagster instance: its daemons and its recent runs."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import dagster as dg

WINDOW = timedelta(hours=24)


@dataclass(frozen=True, kw_only=True)
class PlatformHealth:
    """The result of an examination.

    Attributes:
        runs: the number of runs in each status, over the last 24 hours.
        unhealthy_daemons: required daemons without a recent heartbeat.
    """

    runs: Mapping[str, int]
    unhealthy_daemons: tuple[str, ...]


def examine(instance: dg.DagsterInstance, *, now: datetime) -> PlatformHealth:
    """Examine the instance's daemons and its runs since 24 hours before ``now``."""
    since = now - WINDOW
    counts = {
        status.value: instance.get_runs_count(dg.RunsFilter(statuses=[status], created_after=since))
        for status in dg.DagsterRunStatus
    }
    daemons = instance.get_daemon_statuses()
    return PlatformHealth(
        runs={status: count for status, count in counts.items() if count},
        unhealthy_daemons=tuple(
            sorted(
                name for name, status in daemons.items() if status.required and not status.healthy
            )
        ),
    )


@dg.asset(
    check_specs=[
        dg.AssetCheckSpec(
            "daemons_alive",
            asset="platform_health",
            description="Every daemon that the instance needs has sent a recent heartbeat.",
        )
    ],
)
def platform_health(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Daemon heartbeats and the runs of the last 24 hours, of all code locations."""
    health = examine(context.instance, now=datetime.now(UTC))
    missing = ", ".join(health.unhealthy_daemons)
    return dg.MaterializeResult(
        metadata={
            "runs_in_24_hours": dg.MetadataValue.json(dict(health.runs)),
            "unhealthy_daemons": missing or "none",
        },
        check_results=[
            dg.AssetCheckResult(
                check_name="daemons_alive",
                passed=not health.unhealthy_daemons,
                description=(
                    f"no recent heartbeat of {missing}: is dagster-daemon running?"
                    if missing
                    else "every required daemon has sent a recent heartbeat"
                ),
            )
        ],
    )
