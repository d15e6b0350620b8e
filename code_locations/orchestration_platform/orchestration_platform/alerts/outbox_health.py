"""Whether alerts are delivered: part of ``platform_health``."""

import time
from typing import Any

import dagster as dg

from orchestration_platform.alerts.facts.user_errors import innermost
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.configuration.environment import current_settings
from shared_lib.secrets import SecretError, SecretsResource, redact

SENSOR_NAME = "slack_on_run_failure_sensor"

_LONGEST_ERROR = 300


class Delivery(dg.Config):
    """How long a message or its update may wait, and how old the sensor's last pass may be."""

    overdue_seconds: float = 600.0


@dg.asset_check(asset="platform_health")
def alerts_delivered(
    context: dg.AssetCheckExecutionContext, config: Delivery
) -> dg.AssetCheckResult:
    """No alert or update has waited for long or was given up, and the sensor works where it is on.

    In production it has to be on.
    """
    from orchestration_platform.alerts.outbox.database import Database, database_url
    from orchestration_platform.alerts.outbox.state import outbox_state
    from orchestration_platform.alerts.sources.collect import last_pass_at

    now = time.time()
    with Database(database_url(context.instance)).transaction() as connection:
        outbox = outbox_state(connection)
        last_pass = last_pass_at(connection)
    problems = outbox.overdue(now, allowed_seconds=config.overdue_seconds)
    problems += outbox.undelivered
    problems += sensor_problems(
        context.instance,
        has_to_run=current_settings().sensors_run_by_default,
        last_pass_at=last_pass,
        allowed_seconds=config.overdue_seconds,
        now=now,
    )
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or "no alert is overdue",
        metadata={
            "waiting": outbox.waiting,
            "outdated": outbox.outdated,
            "held": outbox.held,
            "given_up": outbox.failed,
        },
    )


@dg.asset_check(asset="platform_health")
def alert_policies_name_what_exists() -> dg.AssetCheckResult:
    """Every code location, job, schedule, sensor, group and asset of the policies exists."""
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.policies.unknown_names import unknown_names
    from orchestration_platform.alerts.workspace.webserver import Workspace

    workspace = Workspace()
    names = workspace.names()
    problems = unknown_names(load_policies(), names) if names else []
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems or workspace.problems) or "every name exists",
        metadata={"is_checked": names is not None},
    )


@dg.asset_check(asset="platform_health")
def alert_channels_exist(secrets: SecretsResource, slack: SlackWebApi) -> dg.AssetCheckResult:
    """The bot can post to every channel of Slack that a policy names.

    Without a token, without the scope, or while Slack does not answer, nothing is checked.
    """
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
    from orchestration_platform.alerts.services.slack.channels import channel_problems
    from orchestration_platform.alerts.services.slack.configuration import SECRET, Slack

    used = {
        service.destination(current_settings().alert_channel)
        for policy in load_policies()
        for service in (policy.notification_service, policy.policy_options.escalation_service)
        if service is not None
    }
    names = sorted(one.address for one in used if one.service == Slack.name)
    problems, reason = [], ""
    try:
        problems = channel_problems(slack, secrets.get(SECRET)["token"].reveal(), names)
    except (SecretError, ServiceUnavailableError) as error:
        reason = redact(f"not checked: {error}")
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR,
        description="; ".join(problems) or reason or "the bot can post to every channel",
        metadata={"is_checked": not reason, "channels": ", ".join(names)},
    )


def sensor_problems(
    instance: dg.DagsterInstance,
    *,
    has_to_run: bool,
    last_pass_at: float | None,
    allowed_seconds: float,
    now: float,
) -> list[str]:
    """Return what is wrong with the sensor and what to do, one sentence each.

    Args:
        instance: the Dagster instance.
        has_to_run: whether a sensor that is switched off, or was never switched on, is a problem.
        last_pass_at: when the last pass completed, in seconds since 1970.
        allowed_seconds: how old that pass may be.
        now: seconds since 1970.
    """
    state = _state(instance)
    is_stopped = state is not None and state.status.value == "STOPPED"
    is_off = is_stopped or (state is None and last_pass_at is None)
    if is_off and not has_to_run:
        return []
    problems: list[str] = []
    if is_stopped and has_to_run:
        problems.append(f"{SENSOR_NAME} is switched off: switch it on")
    error = _last_error(instance, state) if state is not None and not is_stopped else ""
    if error:
        problems.append(f"the last tick of {SENSOR_NAME} failed: {error}")
    is_watched = has_to_run or (state is not None and not is_stopped)
    if is_watched and (last_pass_at is None or now - last_pass_at > allowed_seconds):
        since = (
            "has never completed a pass"
            if last_pass_at is None
            else f"last completed a pass {round((now - last_pass_at) / 60)} min ago"
        )
        problems.append(f"{SENSOR_NAME} {since}: check its ticks, and switch it on if it is off")
    return problems


def _state(instance: dg.DagsterInstance) -> Any:
    """Return what Dagster stores about the sensor; None until its first tick or switch."""
    for state in instance.all_instigator_state():
        if state.instigator_name == SENSOR_NAME and state.instigator_type.value == "SENSOR":
            return state
    return None


def _last_error(instance: dg.DagsterInstance, state: Any) -> str:
    """Return the error of the last finished tick; empty if it was OK."""
    for tick in instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=2):
        if tick.status.value == "STARTED":
            continue
        if tick.status.value != "FAILURE":
            return ""
        if tick.error is None:
            return "Dagster recorded no error"
        found = innermost(tick.error)
        return f"{found.error_class}: {found.message}"[:_LONGEST_ERROR]
    return ""
