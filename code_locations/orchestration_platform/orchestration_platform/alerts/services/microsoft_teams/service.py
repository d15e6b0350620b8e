"""Microsoft Teams by a webhook: cards that stay as they are."""

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
        url: of the webhook; who has it can post.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Post a card; an entry's says what it belongs to."""
        # The client of dagster-msteams does not tell a bad card from a bad day of Teams.
        answer = post(
            "Microsoft Teams",
            self.url,
            what="the webhook's URL",
            remedy=_REMEDY,
            json=_card(notification),
            timeout_seconds=self.timeout_seconds,
        )
        if TeamsClient(self.url).is_legacy_webhook() and answer.text != _LEGACY_SUCCESS:
            # Connectors of old answer 200 and say in words what went wrong.
            reason = f"Microsoft Teams answered {answer.text[:200]}"
            raise ServiceUnavailableError(reason, is_unsure=True)
        return Receipt(notification.key)


def _card(notification: Notification) -> Card:
    if notification.entry is not None:
        return entry_card(notification.entry, about=notification.message.summary)
    message = notification.message
    return plain_card(message) if notification.is_plain else head_card(message)
