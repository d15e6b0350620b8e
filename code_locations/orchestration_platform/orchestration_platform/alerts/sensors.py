"""The sensor that reports failures."""

import dagster as dg

from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.policies.policy import load_file
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.configuration.environment import current_settings
from shared_lib.secrets import SecretsResource, skips_without_secrets

INTERVAL_SECONDS = 10

# Loaded here, so that an error in the file shows when the location is loaded, not when a run fails.
_FILE = load_file()


@dg.sensor(
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=(
        dg.DefaultSensorStatus.RUNNING
        if current_settings().sensors_run_by_default
        else dg.DefaultSensorStatus.STOPPED
    ),
    description="Reports failures in all code locations, as configured in alert_policies.yaml.",
)
@skips_without_secrets
def slack_on_run_failure_sensor(
    context: dg.SensorEvaluationContext,
    secrets: SecretsResource,
    slack: SlackWebApi,
    alerts_memory: dg.ResourceParam[Memory],
    alerts_timing: dg.ResourceParam[Timing],
) -> dg.SkipReason:
    """Read new failures from the event log and send what is due."""
    from orchestration_platform.alerts.run_pass import run_pass
    from orchestration_platform.alerts.services.registry import Services

    services = Services(
        secrets,
        slack,
        logger=context.log,
        assets=alerts_memory.assets,
    )
    done = run_pass(
        context.instance,
        policies=_FILE.in_force,
        services=services,
        memory=alerts_memory,
        keep_days=_FILE.keep_days,
        timing=alerts_timing,
    )
    return dg.SkipReason(str(done))
