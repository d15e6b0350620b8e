"""``apprise`` in a policy."""

from typing import ClassVar

from pydantic import Field

from orchestration_platform.alerts.services.protocol.configuration import (
    BehindSecret,
    Capabilities,
    Connections,
    SecretPath,
)
from orchestration_platform.alerts.services.protocol.service import Service


class Apprise(BehindSecret):
    """Any service that the library Apprise has a URL for, such as Discord, Telegram or ntfy."""

    name: ClassVar[str] = "apprise"
    summary: ClassVar[str] = "Any service that Apprise has a URL for."
    # The slowest of the well-known ones takes a message a second.
    capabilities: ClassVar[Capabilities] = Capabilities(pace=1.0)
    path_field: ClassVar[str] = "apprise_url"

    apprise_url: SecretPath = Field(
        description="Path of the secret whose key is apprise_url, such as discord://id/token."
    )

    def connected(self, using: Connections) -> Service:
        """Return the service that sends to the URL."""
        from orchestration_platform.alerts.services.apprise.service import AppriseService

        return AppriseService.of(self.secret_value(using))
