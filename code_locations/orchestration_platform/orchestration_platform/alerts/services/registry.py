"""Every service, listed once, and the way from a destination to the service there."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field

from orchestration_platform.alerts.facts.logger import LOGGER_NAME
from orchestration_platform.alerts.services.email.configuration import Email, EmailOwners
from orchestration_platform.alerts.services.email.recent import RecentEmails
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
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.service import Receipt, Service
from orchestration_platform.alerts.services.slack import configuration as slack_configuration
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
    Log,
)
SERVICES = {configuration.name: configuration for configuration in _CONFIGURATIONS}


def configuration_at(destination: str) -> ServiceConfiguration:
    """The configuration of the service and address that ``destination`` names.

    Raises:
        ValueError: the text is of no service.
    """
    return _service_of(destination).at(destination.partition(":")[2])


def capabilities_of(destination: str) -> Capabilities:
    """Of the service that ``destination`` begins with.

    Raises:
        ValueError: the text is of no service.
    """
    return _service_of(destination).capabilities


def services_that(updates: Updates) -> list[str]:
    """Names of the services that bring messages up to date so."""
    return [name for name, found in SERVICES.items() if found.capabilities.updates is updates]


def _service_of(destination: str) -> type[ServiceConfiguration]:
    name = destination.partition(":")[0]
    if name not in SERVICES:
        raise ValueError(
            f"{destination!r} is no destination, it begins with one of: {', '.join(SERVICES)}"
        )
    return SERVICES[name]


def _logger() -> logging.Logger:
    return logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True)
class Services:
    """All services, each made when something is to be told there.

    Attributes:
        secrets: gives the keys and addresses.
        slack: Slack's API.
        logger: where ``log`` writes.
        assets: those of the workspace, as the webserver last answered.
        emails: who has an e-mail already.
    """

    secrets: HandsOutSecrets
    slack: SlackWebApi
    logger: logging.Logger = field(default_factory=_logger)
    assets: AssetCache = field(default_factory=AssetCache)
    emails: RecentEmails = field(default_factory=RecentEmails)

    def at(self, destination: str) -> Service:
        """The service of ``destination``.

        On a laptop and in CI what has no secret is told in the log.

        Raises:
            SecretError: its secret could not be had.
            ServiceUnavailableError: what the secret says is not allowed.
            ValueError: the text is of no service.
        """
        using = Connections(
            self.secrets, self.logger, resources=(self.slack, self.assets, self.emails)
        )
        try:
            return configuration_at(destination).connected(using)
        except (SecretNotFoundError, SecretKeyNotFoundError) as error:
            if current_environment() not in (Environment.LOCAL, Environment.CI):
                raise
            return LogService(self.logger, f"not sent to {destination}: {error}")

    def what_is_missing(self, destinations: Iterable[str]) -> list[str]:
        """What keeps messages from each of the destinations, as far as it can be told unsent."""
        found: list[str] = []
        for destination in dict.fromkeys(destinations):
            try:
                service = self.at(destination)
            except (SecretError, ServiceUnavailableError) as error:
                found.append(f"{destination}: {error}")
                continue
            if isinstance(service, LogService) and service.note:
                found.append(f"{service.note} (told in the log)")
        return found

    def member_id(self, address: str) -> str | None:
        """Slack's id of the member with an e-mail address, if there is one.

        Raises:
            SecretError: the bot's token could not be had.
            LookupForbiddenError: the bot may not look.
            ServiceUnavailableError: Slack did not answer, or asks to wait.
        """
        token = self.secrets.get(slack_configuration.SECRET)["token"].reveal()
        return self.slack.member_id(token, address)

    def acknowledged_by(
        self, destination: str, *, message_id: str, place: str
    ) -> tuple[str, ...] | None:
        """Who has taken on what a message tells; nothing if nobody, or where it cannot be seen.

        The names are the service's own, and may be none although somebody has.

        Args:
            destination: where the message is.
            message_id: the service's name of it.
            place: the service's name of the channel.

        Raises:
            SecretError: the service's secret could not be had.
            ServiceUnavailableError: the service did not answer, or we may not look.
            MessageGoneError: the message is not there.
        """
        if not capabilities_of(destination).can_acknowledge:
            return None
        service = self.at(destination)
        if isinstance(service, LogService):
            return None
        return service.acknowledged_by(Receipt(message_id, place))
