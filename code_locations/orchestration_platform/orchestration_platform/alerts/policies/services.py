"""``notification_service`` of a policy: the service that notifies people, and the address there."""

from typing import Any, Self

from pydantic import Field, create_model, model_validator

from orchestration_platform.alerts.services.protocol.configuration import ServiceConfiguration
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import SERVICES, configuration_at
from shared_lib.configuration.section import Section

# One field per service; the type checker sees none of them.
_FIELDS: dict[str, Any] = {
    name: (service | None, Field(default=None, description=service.summary))
    for name, service in SERVICES.items()
}


class NotificationService(create_model("Services", __base__=Section, **_FIELDS)):
    """The one service that notifies people."""

    @model_validator(mode="after")
    def _is_one_service(self) -> Self:
        given = self._given
        if len(given) != 1:
            raise ValueError(
                f"{' and '.join(given) or 'none'} set, required is exactly one of: "
                f"{', '.join(SERVICES)}"
            )
        return self

    @property
    def _given(self) -> dict[str, ServiceConfiguration]:
        return {name: found for name in SERVICES if (found := getattr(self, name)) is not None}

    @property
    def chosen(self) -> ServiceConfiguration:
        """The chosen service."""
        [found] = self._given.values()
        return found

    @property
    def name(self) -> str:
        """The name of the service, as in the file."""
        return self.chosen.name

    @property
    def owner_mentions(self) -> dict[str, str]:
        """The service's ids of the owners that the policy names."""
        return self.chosen.mentions

    def destination(self, alert_channel: str) -> Destination:
        """Return service and address, without a secret.

        Args:
            alert_channel: the environment's channel, for Slack without a channel of its own.
        """
        return Destination(self.name, self.chosen.address(alert_channel))

    @classmethod
    def from_destination(cls, destination: Destination) -> Self:
        """Return the service for a result of :meth:`destination`, without its mentions of owners.

        Raises:
            ValueError: there is no such service.
        """
        found = configuration_at(destination)
        return cls.model_validate({found.name: found})
