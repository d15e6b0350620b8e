"""Alerts as a Dagster component, for ``defs.yaml`` files of any project."""

import warnings
from typing import Self

import dagster as dg
from pydantic import BaseModel

from orchestration_platform.alerts.outbox.policies_in_force import InvalidPoliciesWarning
from orchestration_platform.alerts.policies import policy
from shared_lib.components.declared import root_module, secrets_of
from shared_lib.components.strict import StrictComponent
from shared_lib.configuration.validated_yaml import ConfigurationError


class AlertPolicies(StrictComponent[policy.AlertPolicies | ConfigurationError]):
    """The sensor that notifies people of failures in all code locations, and whom of what.

    The attributes are those of `alert_policies.yaml`. A mistake in them ends no alerts: the
    policies that were valid last stay in force, and the sensor's ticks fail. Slack's token is the
    secret `orchestration_platform/slack`.

    .. code-block:: yaml

        type: orchestration_platform.components.AlertPolicies
        attributes:
          alert_policies:
            - name: failed_runs
              description: Any failed run.
              enabled: true
              event_types: [JOB_FAILURE]
              alert_targets: []
              notification_service:
                slack: {slack_channel_name: "#data"}
    """

    checked_by = policy.AlertPolicies

    @classmethod
    def get_spec(cls) -> dg.ComponentTypeSpec:
        """Return what Dagster's UI lists of the component."""
        return dg.ComponentTypeSpec(produces=["sensor", "resource"])

    @classmethod
    def resolve_from_model(cls, context: dg.ResolutionContext, model: BaseModel) -> Self:
        """Return the component; warn of invalid policies."""
        try:
            return super().resolve_from_model(context, model)
        except ConfigurationError as error:
            text = f"the last valid alert policies stay in force: {error}"
            warnings.warn(text, InvalidPoliciesWarning, stacklevel=2)
            return cls(error)

    def build_defs(self, context: dg.ComponentLoadContext) -> dg.Definitions:
        """Return the sensor and the resources that it uses."""
        from orchestration_platform.alerts.sensors import alert_sensor
        from orchestration_platform.resources import RESOURCES

        return dg.Definitions(
            sensors=[alert_sensor(self.attributes)],
            resources={**RESOURCES, "secrets": secrets_of(root_module(context))},
        )
