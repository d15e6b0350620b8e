"""Microsoft Teams by a webhook: cards that do not change."""

from dataclasses import dataclass, field

from dagster_msteams.client import TeamsClient

from orchestration_platform.alerts.messages.formats.teams import (
    Card,
    entry_card,
    head_card,
    plain_card,
)
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.http import TIMEOUT_SECONDS, post
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

_REMEDY = "write the URL of a webhook that is in force to the secret that the policy names"
_LEGACY_SUCCESS = "1"


@dataclass(frozen=True)
class TeamsService(Service):
    """One webhook.

    Attributes:
        url: the address of the webhook; anyone who has it can post.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Post a card; an entry's card says what it belongs to."""
        # The client of dagster-msteams does not distinguish a bad card from an outage of Teams.
        answer = post(
            "Microsoft Teams",
            self.url,
            what="the webhook's URL",
            remedy=_REMEDY,
            json=_card(notification),
            timeout_seconds=self.timeout_seconds,
        )
        if TeamsClient(self.url).is_legacy_webhook() and answer.text != _LEGACY_SUCCESS:
            # Old connectors answer 200 and describe the error in words.
            reason = f"Microsoft Teams answered {answer.text[:200]}"
            raise ServiceUnavailableError(reason, is_unsure=True)
        return Receipt(notification.key)


def _card(notification: Notification) -> Card:
    if notification.entry is not None:
        return entry_card(notification.entry, about=notification.message.summary)
    message = notification.message
    return plain_card(message) if notification.is_plain else head_card(message)
