"""Microsoft Teams by a webhook: cards that stay as they are."""

from dataclasses import dataclass, field

import requests
from dagster_msteams.client import TeamsClient

from orchestration_platform.alerts.messages.formats.teams import (
    Card,
    entry_card,
    head_card,
    plain_card,
)
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.http import (
    TIMEOUT_SECONDS,
    checked_address,
    judge,
)
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

_REMEDY = "write the URL of a webhook that is in force to the secret that the policy names"
_LEGACY_SUCCESS = "1"


class AnsweringTeamsClient(TeamsClient):
    """The client of dagster-msteams, which does not tell a bad card from a bad day of Teams."""

    def answer_to(self, card: Card) -> requests.Response:
        """Post ``card``, and give what Teams says to it."""
        return requests.post(
            self._hook_url,
            json=card,
            headers=self._headers,
            timeout=self._timeout,
            allow_redirects=False,
        )


@dataclass(frozen=True)
class TeamsService(Service):
    """One webhook.

    Attributes:
        url: of the webhook; who has it can post.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Post a card; an entry's says what it belongs to."""
        address = checked_address(self.url, what="the webhook's URL")
        client = AnsweringTeamsClient(address, timeout=self.timeout_seconds)
        try:
            answer = client.answer_to(_card(notification))
        except requests.RequestException as error:
            # The error's own text has the URL.
            reason = f"Microsoft Teams did not answer: {type(error).__name__}"
            raise ServiceUnavailableError(reason, is_unsure=True) from None
        retry_after = answer.headers.get("Retry-After")
        judge("Microsoft Teams", answer.status_code, retry_after=retry_after, remedy=_REMEDY)
        if client.is_legacy_webhook() and answer.text != _LEGACY_SUCCESS:
            # Connectors of old answer 200 and say in words what went wrong.
            reason = f"Microsoft Teams answered {answer.text[:200]}"
            raise ServiceUnavailableError(reason, is_unsure=True)
        return Receipt(notification.key)


def _card(notification: Notification) -> Card:
    if notification.entry is not None:
        return entry_card(notification.entry, about=notification.message.summary)
    message = notification.message
    return plain_card(message) if notification.is_plain else head_card(message)
