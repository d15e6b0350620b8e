"""Slack by an incoming webhook: messages that do not change, without threads."""

from dataclasses import dataclass, field
from urllib.error import URLError

from orchestration_platform.alerts.messages.formats.slack import (
    Content,
    entry_content,
    head_content,
    plain_text,
)
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.http import (
    TIMEOUT_SECONDS,
    checked_address,
    judge,
)
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

_REMEDY = "write the URL of a webhook that is in force to the secret that the policy names"
# Slack's answers, with status 400 or 404, for a webhook that is disabled or lost its channel.
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
        url: the address of the webhook; anyone who has it can post.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Post a message; an entry says what it belongs to."""
        from http.client import HTTPException

        from slack_sdk.webhook import WebhookClient

        client = WebhookClient(
            checked_address(self.url, what="the webhook's URL"),
            # the library declares whole seconds, but accepts any number
            timeout=self.timeout_seconds,  # pyright: ignore[reportArgumentType]
            # the outbox waits, and remembers it
            retry_handlers=[],
        )
        quiet = {"unfurl_links": False, "unfurl_media": False}
        try:
            answer = client.send_dict({**_content(notification), **quiet})
        except (URLError, OSError, HTTPException) as error:
            reason = f"Slack did not answer: {type(error).__name__}"
            raise ServiceUnavailableError(reason, is_unsure=True) from error
        if answer.body in _WEBHOOK_ERRORS:
            raise ServiceUnavailableError(f"Slack answered {answer.body}: {_REMEDY}")
        if answer.body.startswith("invalid_") or answer.body == "no_text":
            raise MessageRefusedError(answer.body)
        retry_after = answer.headers.get("Retry-After")
        judge("Slack", answer.status_code, retry_after=retry_after, remedy=_REMEDY)
        return Receipt(notification.key)


def _content(notification: Notification) -> Content:
    if notification.entry is None:
        if notification.is_plain:
            return {"text": plain_text(notification.message)}
        return head_content(notification.message, mentions=notification.mentions)
    about = notification.message.summary
    return entry_content(notification.entry, mentions=notification.mentions, about=about)
