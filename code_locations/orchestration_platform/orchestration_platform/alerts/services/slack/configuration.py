"""``slack`` in a policy."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, StringConstraints

from orchestration_platform.alerts.messages.thread import EntryKind
from orchestration_platform.alerts.services.protocol.configuration import (
    Capabilities,
    Connections,
    MentionsOwners,
    Updates,
)
from orchestration_platform.alerts.services.protocol.service import Service
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi

SECRET = "orchestration_platform/slack"  # noqa: S105 - a path

# The key of that secret by which the buttons of messages are listened to; without it, no buttons.
APP_TOKEN = "app_token"  # noqa: S105 - a name

ChannelName = Annotated[str, StringConstraints(pattern=r"^#?[^\s#@<>:]{1,80}$")]


class Slack(MentionsOwners):
    """A channel of Slack, by the bot whose token is the secret of the location."""

    name: ClassVar[str] = "slack"
    summary: ClassVar[str] = "Slack, by a bot."
    # One message per second in a channel.
    capabilities: ClassVar[Capabilities] = Capabilities(
        updates=Updates.ALWAYS,
        entries=frozenset(EntryKind),
        can_find=True,
        can_acknowledge=True,
        can_find_users=True,
        pace=1.05,
    )

    slack_workspace_name: str | None = Field(
        default=None, description="For people to read: the bot's token belongs to one workspace."
    )
    slack_channel_name: ChannelName | None = Field(
        default=None, description="The channel; by default that of the environment."
    )

    def address(self, alert_channel: str) -> str:
        """Return the channel."""
        return f"#{(self.slack_channel_name or alert_channel).removeprefix('#')}"

    @classmethod
    def at(cls, address: str) -> Self:
        """Return the configuration for the channel ``address``."""
        return cls(slack_channel_name=address)

    def connected(self, using: Connections) -> Service:
        """Return the service that posts to the channel as the bot."""
        from orchestration_platform.alerts.services.slack.service import SlackService

        secret = using.secrets.get(SECRET)
        return SlackService(
            using.resource(SlackWebApi),
            secret["token"].reveal(),
            self.slack_channel_name or "",
            has_buttons=APP_TOKEN in secret,
        )
