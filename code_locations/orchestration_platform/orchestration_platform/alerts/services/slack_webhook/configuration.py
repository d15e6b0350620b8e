"""``slack_webhook`` in a policy."""

from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    Connections,
    MentionsOwners,
    SecretPath,
)
from orchestration_platform.alerts.services.protocol.service import Service


class SlackWebhook(BehindSecret, MentionsOwners):
    """A channel of Slack, by an incoming webhook. Not in Dagster+."""

    name: ClassVar[str] = "slack_webhook"
    summary: ClassVar[str] = "Slack, by a webhook."
    capabilities: ClassVar[Capabilities] = Capabilities(pace=1.05)

    webhook_url: SecretPath = Field(description="Path of the secret whose key is webhook_url.")

    def connected(self, using: Connections) -> Service:
        """Return the service that posts to the channel's webhook."""
        from orchestration_platform.alerts.services.slack_webhook.service import (
            SlackWebhookService,
        )

        return SlackWebhookService(self.secret_value(using))
