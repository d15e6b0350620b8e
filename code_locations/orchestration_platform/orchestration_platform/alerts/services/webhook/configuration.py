"""``webhook`` in a policy."""

from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    Connections,
    SecretPath,
)
from orchestration_platform.alerts.services.protocol.service import Service


class Webhook(BehindSecret):
    """Any address that takes JSON signed as standardwebhooks.com says. Not in Dagster+."""

    name: ClassVar[str] = "webhook"
    summary: ClassVar[str] = "A signed webhook."
    capabilities: ClassVar[Capabilities] = Capabilities(
        why_not_others="the first message has the stack traces", is_idempotent=True, pace=0.2
    )
    path_field: ClassVar[str] = "secret"

    secret: SecretPath = Field(
        description="Path of the secret whose keys are url and signing_secret."
    )

    def connected(self, using: Connections) -> Service:
        """Return the service that posts to the receiver."""
        from orchestration_platform.alerts.services.webhook.service import WebhookService

        secret = using.secrets.get(self.secret)
        return WebhookService(secret["url"].reveal(), secret["signing_secret"].reveal())
