"""``notification_service`` of a policy: by which service people are told, and where.

The field names are those of Dagster+ where it has them. What is secret is not written in the file:
the field has the path of the secret instead, whose key is named like the field.
"""

from abc import ABC, abstractmethod
from typing import Annotated, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

# The column that keeps a destination is as wide.
LONGEST_DESTINATION = 400

ChannelName = Annotated[str, StringConstraints(pattern=r"^#?[^\s#@<>:]{1,80}$")]
Address = Annotated[str, StringConstraints(pattern=r"^[^@\s,:<>]{1,64}@[^@\s,:<>]{1,255}$")]
# A key or a URL that somebody writes here by mistake does not look like this.
SecretPath = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,80}(/[A-Za-z0-9_.-]{1,80}){1,4}$")
]
SlackId = Annotated[str, StringConstraints(pattern=r"^[UWS][A-Z0-9]{2,20}$")]


class Section(BaseModel):
    """A mapping with the named keys and no others."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Service(Section, ABC):
    """One service, and where it tells people."""

    @property
    def mentions(self) -> dict[str, str]:
        """The service's own names of owners whom it can call."""
        return {}

    @abstractmethod
    def address(self, alert_channel: str) -> str:
        """Where, as text; for Slack without a channel of its own that of the environment."""

    @classmethod
    @abstractmethod
    def at(cls, address: str) -> Self:
        """The service at what :meth:`address` gave."""


class BehindSecret(Service, ABC):
    """A service whose address is a secret, of which one field has the path."""

    path_field: ClassVar[str] = "webhook_url"

    def address(self, alert_channel: str) -> str:  # noqa: ARG002 - of the protocol
        """The secret's path."""
        return getattr(self, self.path_field)

    @classmethod
    def at(cls, address: str) -> Self:
        """The service whose secret is at the path ``address``."""
        return cls(**{cls.path_field: address})


class MentionsOwners(Service, ABC):
    """A service of Slack, which can call the owners of what failed."""

    owner_mentions: dict[str, SlackId] = Field(
        default_factory=dict,
        description="Not in Dagster+. For an owner, as Dagster has it (an address or team:name), "
        "the member's (U...) or group's (S...) id in Slack; an owner without one is named as text.",
    )

    @property
    def mentions(self) -> dict[str, str]:
        """Slack's ids of owners."""
        return dict(self.owner_mentions)


class Slack(MentionsOwners):
    """A channel of Slack, by the bot whose token is the secret of the location."""

    slack_workspace_name: str | None = Field(
        default=None, description="For people to read: the bot's token belongs to one workspace."
    )
    slack_channel_name: ChannelName | None = Field(
        default=None, description="The channel; by default that of the environment."
    )

    def address(self, alert_channel: str) -> str:
        """The channel."""
        return f"#{(self.slack_channel_name or alert_channel).removeprefix('#')}"

    @classmethod
    def at(cls, address: str) -> Self:
        """The channel at ``address``."""
        return cls(slack_channel_name=address)


class SlackWebhook(BehindSecret, MentionsOwners):
    """A channel of Slack, by an incoming webhook. Not in Dagster+."""

    webhook_url: SecretPath = Field(description="Path of the secret whose key is webhook_url.")


class Email(Service):
    """E-mail, by the server that the secret ``orchestration_platform/smtp`` names."""

    email_addresses: list[Address] = Field(min_length=1, description="To whom.")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.address("")) > LONGEST_DESTINATION - len("email:"):
            raise ValueError("too many email_addresses: write the address of a list instead")
        return self

    def address(self, alert_channel: str) -> str:  # noqa: ARG002 - of the protocol
        """The addresses, with commas."""
        return ",".join(self.email_addresses)

    @classmethod
    def at(cls, address: str) -> Self:
        """E-mail to ``address``."""
        return cls(email_addresses=address.split(","))


class EmailOwners(Service):
    """E-mail to the owners of the asset, of whom a team has no address."""

    default_email_addresses: list[Address] = Field(
        default_factory=list, description="To whom where no owner of the asset has an address."
    )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if len(self.address("")) > LONGEST_DESTINATION - len("email_owners:"):
            raise ValueError(
                "too many default_email_addresses: write the address of a list instead"
            )
        return self

    def address(self, alert_channel: str) -> str:  # noqa: ARG002 - of the protocol
        """The addresses for assets without owners, with commas."""
        return ",".join(self.default_email_addresses)

    @classmethod
    def at(cls, address: str) -> Self:
        """E-mail to owners, or to ``address``."""
        return cls(default_email_addresses=address.split(",") if address else [])


class MicrosoftTeams(BehindSecret):
    """A channel of Microsoft Teams, by a webhook of its workflows."""

    webhook_url: SecretPath = Field(description="Path of the secret whose key is webhook_url.")


class PagerDuty(BehindSecret):
    """A service of PagerDuty, by its Events API v2."""

    path_field: ClassVar[str] = "integration_key"

    integration_key: SecretPath = Field(
        description="Path of the secret whose key is integration_key."
    )


class Webhook(BehindSecret):
    """Any address that takes JSON signed as standardwebhooks.com says. Not in Dagster+."""

    path_field: ClassVar[str] = "secret"

    secret: SecretPath = Field(
        description="Path of the secret whose keys are url and signing_secret."
    )


class Log(Service):
    """The log of the process that sends. Not in Dagster+."""

    def address(self, alert_channel: str) -> str:  # noqa: ARG002 - of the protocol
        """None is needed."""
        return ""

    @classmethod
    def at(cls, address: str) -> Self:
        """The log."""
        if address:
            raise ValueError(f"log has no address, got {address!r}")
        return cls()


class NotificationService(Section):
    """How people are told: by one service."""

    slack: Slack | None = Field(default=None, description="Slack, by a bot.")
    slack_webhook: SlackWebhook | None = Field(default=None, description="Slack, by a webhook.")
    email: Email | None = Field(default=None, description="E-mail.")
    email_owners: EmailOwners | None = Field(
        default=None, description="E-mail to the owners; for events of assets alone."
    )
    microsoft_teams: MicrosoftTeams | None = Field(default=None, description="Microsoft Teams.")
    pagerduty: PagerDuty | None = Field(default=None, description="PagerDuty.")
    webhook: Webhook | None = Field(default=None, description="A signed webhook.")
    log: Log | None = Field(default=None, description="The log of the process that sends.")

    @model_validator(mode="after")
    def _is_one_service(self) -> Self:
        given = [name for name in SERVICES if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"{' and '.join(given) or 'none'} given, required is exactly one of: "
                f"{', '.join(SERVICES)}"
            )
        return self

    @property
    def name(self) -> str:
        """Which service it is, as in the file."""
        return next(name for name in SERVICES if getattr(self, name) is not None)

    @property
    def chosen(self) -> Service:
        """The service itself."""
        return getattr(self, self.name)

    @property
    def owner_mentions(self) -> dict[str, str]:
        """Slack's ids of owners; empty where the service is not Slack."""
        return self.chosen.mentions

    def destination(self, alert_channel: str) -> str:
        """Service and address in one text without a secret, such as ``slack:#channel``.

        Args:
            alert_channel: of the environment, for Slack without a channel of its own.
        """
        return f"{self.name}:{self.chosen.address(alert_channel)}".removesuffix(":")

    @classmethod
    def from_destination(cls, destination: str) -> Self:
        """The service that :meth:`destination` gave, without its mentions of owners.

        Raises:
            ValueError: the text is of no service.
        """
        name, _, address = destination.partition(":")
        if name not in SERVICES:
            raise ValueError(
                f"{destination!r} is no destination, it begins with one of: {', '.join(SERVICES)}"
            )
        return cls.model_validate({name: SERVICES[name].at(address)})


SERVICES: dict[str, type[Service]] = {
    "slack": Slack,
    "slack_webhook": SlackWebhook,
    "email": Email,
    "email_owners": EmailOwners,
    "microsoft_teams": MicrosoftTeams,
    "pagerduty": PagerDuty,
    "webhook": Webhook,
    "log": Log,
}

# Where a policy names no service: an alert is always shown somewhere.
LOG = NotificationService(log=Log())
