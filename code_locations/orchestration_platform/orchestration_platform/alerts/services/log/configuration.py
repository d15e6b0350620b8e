"""``log`` in a policy."""

from typing import ClassVar, Self

from orchestration_platform.alerts.services.protocol.configuration import (
    Capabilities,
    Connections,
    ServiceConfiguration,
)
from orchestration_platform.alerts.services.protocol.service import Service


class Log(ServiceConfiguration):
    """The log of the process that sends. Not in Dagster+."""

    name: ClassVar[str] = "log"
    summary: ClassVar[str] = "The log of the process that sends."
    capabilities: ClassVar[Capabilities] = Capabilities(pace=0.0)

    def address(self, alert_channel: str) -> str:  # noqa: ARG002 - of the protocol
        """Return an empty address: none is needed."""
        return ""

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the configuration of the log."""
        if address:
            raise ValueError(f"log has no address, got {address!r}")
        return cls()

    def connected(self, using: Connections) -> Service:
        """Return the service that writes to the logger."""
        from orchestration_platform.alerts.services.log.service import LogService

        return LogService(using.logger)
