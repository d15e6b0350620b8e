"""The sensor that reports failures."""

import dagster as dg

from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox.policies_in_force import policies_in_force, read_policies
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.configuration.environment import current_settings
from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.secrets import SecretsResource, skips_without_secrets

INTERVAL_SECONDS = 10


def alert_sensor(found: AlertPolicies | ConfigurationError) -> dg.SensorDefinition:
    """Return the sensor that reports failures.

    Args:
        found: its policies; or what is wrong with them, while the last valid ones stay in force.
    """

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
        """Read new failures from the event log and send what is due.

        Raises:
            ConfigurationError: the policies are invalid; the last valid policies were applied.
        """
        from orchestration_platform.alerts.run_pass import run_pass
        from orchestration_platform.alerts.services.registry import Services

        policies = policies_in_force(alerts_memory.database_of(context.instance), found)
        services = Services(
            secrets,
            slack,
            logger=context.log,
            assets=alerts_memory.assets,
        )
        done = run_pass(
            context.instance,
            policies=policies.in_force,
            services=services,
            memory=alerts_memory,
            keep_days=policies.keep_days,
            timing=alerts_timing,
        )
        if isinstance(found, ConfigurationError):
            raise found
        return dg.SkipReason(str(done))

    return slack_on_run_failure_sensor


# Read here, so that an error in the file shows when the location is loaded, not when a run fails.
slack_on_run_failure_sensor = alert_sensor(read_policies())
