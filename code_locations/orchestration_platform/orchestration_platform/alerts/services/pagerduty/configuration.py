"""``pagerduty`` in a policy."""

from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    Connections,
    SecretPath,
    Updates,
)
from orchestration_platform.alerts.services.protocol.service import Service


class PagerDuty(BehindSecret):
    """A service of PagerDuty, by its Events API v2."""

    name: ClassVar[str] = "pagerduty"
    summary: ClassVar[str] = "PagerDuty."
    capabilities: ClassVar[Capabilities] = Capabilities(
        updates=Updates.RECOVERY,
        entries=frozenset(),
        why_not_others="PagerDuty knows triggered and resolved",
        is_idempotent=True,
        pace=0.5,
    )
    path_field: ClassVar[str] = "integration_key"

    integration_key: SecretPath = Field(
        description="Path of the secret whose key is integration_key."
    )

    def connected(self, using: Connections) -> Service:
        """Return the service that sends to the integration."""
        from orchestration_platform.alerts.services.pagerduty.service import PagerDutyService

        return PagerDutyService(self.secret_value(using))
