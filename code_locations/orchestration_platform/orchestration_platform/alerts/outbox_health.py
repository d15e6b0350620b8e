"""Whether alerts get through: part of what ``platform_health`` says."""

import time

import dagster as dg

from shared_lib.configuration.environment import current_settings

# How long a message may wait, and how long ago the last pass may be.
ALLOWED_SECONDS = 600.0


@dg.asset_check(asset="platform_health")
def alerts_delivered(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """No alert has waited for long or was given up, and the sensor works where it is on.

    In production it has to be on.
    """
    from orchestration_platform.alerts.collection import last_pass_at
    from orchestration_platform.alerts.outbox.database import database_url
    from orchestration_platform.alerts.outbox.state import outbox_state
    from orchestration_platform.alerts.run_pass import open_database
    from orchestration_platform.alerts.sensor_state import sensor_problems

    now = time.time()
    with open_database(database_url(context.instance)).transaction() as connection:
        outbox = outbox_state(connection)
        last_pass = last_pass_at(connection)
    problems: list[str] = []
    if outbox.oldest_at is not None and now - outbox.oldest_at > ALLOWED_SECONDS:
        waited = _minutes(now, outbox.oldest_at)
        problems.append(f"{outbox.waiting} alerts wait, the oldest for {waited}")
        problems += [f"{name}: {said}" for name, said in outbox.reasons.items()]
    problems += outbox.untold
    problems += sensor_problems(
        context.instance,
        has_to_run=current_settings().sensors_run_by_default,
        last_pass_at=last_pass,
        allowed_seconds=ALLOWED_SECONDS,
        now=now,
    )
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or "no alert has waited for long",
        metadata={"waiting": outbox.waiting, "held": outbox.held, "given_up": outbox.failed},
    )


def _minutes(now: float, then: float) -> str:
    return f"{round((now - then) / 60)} minutes"
