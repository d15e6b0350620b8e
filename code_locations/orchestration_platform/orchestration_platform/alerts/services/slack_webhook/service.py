"""Slack by an incoming webhook: messages that stay as they are, without threads."""

from dataclasses import dataclass
from urllib.error import URLError

from orchestration_platform.alerts.messages.formats.slack import (
    Content,
    entry_content,
    head_content,
    plain_text,
)
from orchestration_platform.alerts.services.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.http import TIMEOUT_SECONDS, checked_address, judge
from orchestration_platform.alerts.services.service import Letter, Receipt, Service

_REMEDY = "write the URL of a webhook that is in force to the secret that the policy names"
# What Slack says, with status 400 or 404, of a webhook that is switched off or lost its channel.
_WEBHOOK_ERRORS = frozenset(
    {
        "invalid_token",
        "no_active_hooks",
        "no_service",
        "no_service_id",
        "no_team",
        "team_disabled",
        "user_not_found",
    }
)


@dataclass(frozen=True)
class SlackWebhookService(Service):
    """One webhook.

    Attributes:
        url: of the webhook; who has it can post.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, letter: Letter) -> Receipt:
        """Post a message; an entry says what it belongs to."""
        from http.client import HTTPException

        from slack_sdk.webhook import WebhookClient

        from orchestration_platform.alerts.services.slack.web_api import retry_handlers

        client = WebhookClient(
            checked_address(self.url, what="the webhook's URL"),
            # whole seconds are what the library declares, any number is what it takes
            timeout=self.timeout_seconds,  # pyright: ignore[reportArgumentType]
            retry_handlers=retry_handlers(),
        )
        quiet = {"unfurl_links": False, "unfurl_media": False}
        try:
            answer = client.send_dict({**_content(letter), **quiet})
        except (URLError, OSError, HTTPException) as error:
            reason = f"Slack did not answer: {type(error).__name__}"
            raise ServiceUnavailableError(reason, is_unsure=True) from error
        if answer.body in _WEBHOOK_ERRORS:
            raise ServiceUnavailableError(f"Slack answered {answer.body}: {_REMEDY}")
        if answer.body.startswith("invalid_") or answer.body == "no_text":
            raise MessageRefusedError(answer.body)
        retry_after = answer.headers.get("Retry-After")
        judge("Slack", answer.status_code, retry_after=retry_after, remedy=_REMEDY)
        return Receipt(letter.key)

    def __repr__(self) -> str:
        return "SlackWebhookService()"


def _content(letter: Letter) -> Content:
    if letter.entry is None:
        if letter.is_plain:
            return {"text": plain_text(letter.message)}
        return head_content(letter.message, mentions=letter.mentions)
    return entry_content(letter.entry, mentions=letter.mentions, about=letter.message.summary)
