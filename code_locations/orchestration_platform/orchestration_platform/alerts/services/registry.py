"""Every service, listed once, and how to get from a destination to its service."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.services.apprise.configuration import Apprise
from orchestration_platform.alerts.services.email.configuration import Email, EmailOwners
from orchestration_platform.alerts.services.log.configuration import Log
from orchestration_platform.alerts.services.log.service import LogService
from orchestration_platform.alerts.services.microsoft_teams.configuration import MicrosoftTeams
from orchestration_platform.alerts.services.pagerduty.configuration import PagerDuty
from orchestration_platform.alerts.services.protocol.configuration import (
    Capabilities,
    Connections,
    HandsOutSecrets,
    ServiceConfiguration,
    Updates,
)
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.service import Receipt, Service
from orchestration_platform.alerts.services.slack.configuration import Slack
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from orchestration_platform.alerts.services.slack_webhook.configuration import SlackWebhook
from orchestration_platform.alerts.services.webhook.configuration import Webhook
from orchestration_platform.alerts.workspace.webserver import AssetCache
from shared_lib.configuration.environment import Environment, current_environment
from shared_lib.secrets import SecretError, SecretKeyNotFoundError, SecretNotFoundError

_CONFIGURATIONS: tuple[type[ServiceConfiguration], ...] = (
    Slack,
    SlackWebhook,
    Email,
    EmailOwners,
    MicrosoftTeams,
    PagerDuty,
    Webhook,
    Apprise,
    Log,
)
SERVICES = {configuration.name: configuration for configuration in _CONFIGURATIONS}


def configuration_at(destination: Destination) -> ServiceConfiguration:
    """Return the configuration of the service for the address of ``destination``.

    Raises:
        ValueError: there is no such service, or it has no such address.
    """
    return _service_of(destination).at(destination.address)


def capabilities_of(destination: Destination) -> Capabilities:
    """Return the capabilities of the service of ``destination``.

    Raises:
        ValueError: there is no such service.
    """
    return _service_of(destination).capabilities


def services_that(updates: Updates) -> list[str]:
    """Return the names of the services that update messages in this way."""
    return [name for name, found in SERVICES.items() if found.capabilities.updates is updates]


def services_with_acknowledgements() -> list[str]:
    """Return the names of the services in which people can acknowledge a message."""
    return [name for name, found in SERVICES.items() if found.capabilities.can_acknowledge]


def _service_of(destination: Destination) -> type[ServiceConfiguration]:
    if destination.service not in SERVICES:
        raise ValueError(
            f"{str(destination)!r} is not a destination: its service is not one of "
            f"{', '.join(SERVICES)}"
        )
    return SERVICES[destination.service]


def _logger() -> logging.Logger:
    return logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True)
class Services:
    """All services, each created when it has to send something.

    Attributes:
        secrets: returns the keys and addresses.
        slack: Slack's API.
        logger: the logger that ``log`` writes to.
        assets: the assets of the workspace, as the webserver last reported them.
    """

    secrets: HandsOutSecrets
    slack: SlackWebApi
    logger: logging.Logger = field(default_factory=_logger)
    assets: AssetCache = field(default_factory=AssetCache)

    def at(self, destination: Destination) -> Service:
        """Return the service of ``destination``.

        On a laptop and in CI, messages to a service without a secret are written to the log.

        Raises:
            SecretError: its secret could not be read.
            ServiceUnavailableError: the secret has a value that is not allowed.
            ValueError: there is no such service.
        """
        try:
            return self._connected(destination)
        except (SecretNotFoundError, SecretKeyNotFoundError) as error:
            if current_environment() not in (Environment.LOCAL, Environment.CI):
                raise
            return LogService(self.logger, f"not sent to {destination}: {error}")

    def _connected(self, destination: Destination) -> Service:
        using = Connections(self.secrets, self.logger, resources=(self.slack, self.assets))
        return configuration_at(destination).connected(using)

    def problems_of(self, destinations: Iterable[Destination]) -> list[str]:
        """Return what blocks messages to each destination, as far as this shows without sending."""
        found: list[str] = []
        for destination in dict.fromkeys(destinations):
            try:
                service = self.at(destination)
            except (SecretError, ServiceUnavailableError) as error:
                found.append(f"{destination}: {error}")
                continue
            if isinstance(service, LogService) and service.note:
                found.append(f"{service.note} (written to the log)")
        return found

    def user_id(self, destination: Destination, address: str) -> str | None:
        """Return the id of the user with an e-mail address at the service, or None.

        Args:
            destination: a destination of a service that can find users.
            address: the e-mail address.

        Raises:
            SecretError: the service's secret could not be read.
            LookupForbiddenError: we have no permission to look.
            ServiceUnavailableError: the service did not answer or asked us to wait.
            MessageRefusedError: the service does not accept this as an address.
        """
        return self._connected(destination).user_id(address)

    def acknowledged_by(
        self, destination: Destination, *, message_id: str, place: str
    ) -> tuple[str, ...] | None:
        """Return who has acknowledged a message; None if nobody, or if the service does not know.

        The names are the service's own. They may be empty although someone has acknowledged it.

        Args:
            destination: where the message is.
            message_id: the service's id of the message.
            place: the service's id of the channel.

        Raises:
            SecretError: the service's secret could not be read.
            ServiceUnavailableError: the service did not answer, or we have no permission to look.
            MessageGoneError: the message does not exist.
        """
        if not capabilities_of(destination).can_acknowledge:
            return None
        service = self.at(destination)
        if isinstance(service, LogService):
            return None
        return service.acknowledged_by(Receipt(message_id, place))
