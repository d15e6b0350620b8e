"""From a destination to the service that tells people there."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from orchestration_platform.alerts.policies import services
from orchestration_platform.alerts.policies.services import (
    Email,
    EmailOwners,
    MicrosoftTeams,
    NotificationService,
    PagerDuty,
    Slack,
    SlackWebhook,
    Webhook,
)
from orchestration_platform.alerts.services.capabilities import abilities_of
from orchestration_platform.alerts.services.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.log.service import LOGGER_NAME, LogService
from orchestration_platform.alerts.services.service import Receipt, Service
from orchestration_platform.alerts.services.slack.service import SlackService
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from shared_lib.configuration.environment import Environment, current_environment
from shared_lib.secrets import Secret, SecretError, SecretKeyNotFoundError, SecretNotFoundError

SLACK_SECRET = "orchestration_platform/slack"  # noqa: S105 - a path
SMTP_SECRET = "orchestration_platform/smtp"  # noqa: S105 - a path


class HandsOutSecrets(Protocol):
    """What gives secrets when they are used, such as ``SecretsResource``."""

    def get(self, path: str) -> Secret:
        """The secret at ``path``."""
        ...


def _logger() -> logging.Logger:
    return logging.getLogger(LOGGER_NAME)


@dataclass(frozen=True)
class Services:
    """All services, each made when something is to be told there.

    Attributes:
        secrets: gives the keys and addresses.
        slack: Slack's API.
        logger: where ``log`` writes.
    """

    secrets: HandsOutSecrets
    slack: SlackWebApi
    logger: logging.Logger = field(default_factory=_logger)

    def at(self, destination: str) -> Service:
        """The service of ``destination``.

        On a laptop and in CI what has no secret is told in the log.

        Raises:
            SecretError: its secret could not be had.
            ServiceUnavailableError: what the secret says is not allowed.
            ValueError: the text is of no service.
        """
        chosen = NotificationService.from_destination(destination).chosen
        try:
            return self._connected(chosen)
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
        return self.slack.member_id(self.secrets.get(SLACK_SECRET)["token"].reveal(), address)

    def is_acknowledged(self, destination: str, *, message_id: str, place: str) -> bool:
        """Whether somebody has taken on what a message tells; as :meth:`acknowledged_by`."""
        found = self.acknowledged_by(destination, message_id=message_id, place=place)
        return found is not None

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
        if not abilities_of(destination).can_acknowledge:
            return None
        service = self.at(destination)
        if isinstance(service, LogService):
            return None
        return service.acknowledged_by(Receipt(message_id, place))

    def _connected(self, chosen: services.Service) -> Service:  # noqa: PLR0911 - one for each
        """The service itself; what it is made of is loaded when it is needed."""
        match chosen:
            case Slack(slack_channel_name=channel):
                token = self.secrets.get(SLACK_SECRET)["token"].reveal()
                return SlackService(self.slack, token, channel or "")
            case SlackWebhook(webhook_url=path):
                from orchestration_platform.alerts.services.slack_webhook.service import (
                    SlackWebhookService,
                )

                return SlackWebhookService(self.secrets.get(path)["webhook_url"].reveal())
            case Email(email_addresses=addresses):
                from orchestration_platform.alerts.services.email.service import (
                    EmailService,
                    SmtpServer,
                )

                server = SmtpServer.from_secret(self.secrets.get(SMTP_SECRET))
                return EmailService(server, tuple(addresses))
            case EmailOwners(default_email_addresses=addresses):
                from orchestration_platform.alerts.services.email.owners import OwnersEmailService
                from orchestration_platform.alerts.services.email.service import SmtpServer

                server = SmtpServer.from_secret(self.secrets.get(SMTP_SECRET))
                return OwnersEmailService(server, tuple(addresses))
            case MicrosoftTeams(webhook_url=path):
                from orchestration_platform.alerts.services.microsoft_teams.service import (
                    TeamsService,
                )

                return TeamsService(self.secrets.get(path)["webhook_url"].reveal())
            case PagerDuty(integration_key=path):
                from orchestration_platform.alerts.services.pagerduty.service import (
                    PagerDutyService,
                )

                return PagerDutyService(self.secrets.get(path)["integration_key"].reveal())
            case Webhook(secret=path):
                from orchestration_platform.alerts.services.webhook.service import WebhookService

                secret = self.secrets.get(path)
                return WebhookService(secret["url"].reveal(), secret["signing_secret"].reveal())
            case _:
                return LogService(self.logger)
