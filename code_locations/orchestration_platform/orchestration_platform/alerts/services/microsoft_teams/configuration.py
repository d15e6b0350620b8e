"""``microsoft_teams`` in a policy."""

from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    Connections,
    SecretPath,
)
from orchestration_platform.alerts.services.protocol.service import Service


class MicrosoftTeams(BehindSecret):
    """A channel of Microsoft Teams, by a webhook of its workflows."""

    name: ClassVar[str] = "microsoft_teams"
    summary: ClassVar[str] = "Microsoft Teams."
    # Four requests a second, and fewer over longer periods.
    capabilities: ClassVar[Capabilities] = Capabilities(pace=1.0)

    webhook_url: SecretPath = Field(description="Path of the secret whose key is webhook_url.")

    def connected(self, using: Connections) -> Service:
        """Return the service that posts to the channel's webhook."""
        from orchestration_platform.alerts.services.microsoft_teams.service import TeamsService

        return TeamsService(self.secret_value(using))
