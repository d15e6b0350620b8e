"""Any receiver of JSON that is signed according to standardwebhooks.com."""

import base64
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.http import TIMEOUT_SECONDS, post
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service
from orchestration_platform.alerts.services.webhook.layout import content

_REMEDY = "let the receiver accept what is signed with the signing_secret of the policy's secret"
_PREFIX = "whsec_"
_SECRET_BYTES = range(24, 64 + 1)


@dataclass(frozen=True)
class WebhookService(Service):
    """One receiver.

    Attributes:
        url: the address of the receiver.
        signing_secret: ``whsec_`` and 24 to 64 bytes in base64, shared with the receiver.
        timeout_seconds: for a connection, and for the answer.
    """

    url: str = field(repr=False)
    signing_secret: str = field(repr=False)
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, notification: Notification) -> Receipt:
        """Post the message of an incident, or an addition to it."""
        now = datetime.now(UTC)
        body = json.dumps(content(notification, now))
        post(
            "the webhook's receiver",
            self.url,
            what="the webhook's url",
            remedy=_REMEDY,
            data=body.encode(),
            headers={
                "Content-Type": "application/json",
                # The receiver uses it to recognise what it already has.
                "webhook-id": notification.key,
                "webhook-timestamp": str(int(now.timestamp())),
                "webhook-signature": self._signature(notification.key, now, body),
            },
            timeout_seconds=self.timeout_seconds,
        )
        return Receipt(notification.key)

    def _signature(self, key: str, now: datetime, body: str) -> str:
        from standardwebhooks import Webhook

        # The library accepts a secret of any length, even an empty one, and requires no prefix.
        if not _is_signing_secret(self.signing_secret):
            problem = "signing_secret is not whsec_ and 24 to 64 bytes in base64: write one that is"
            raise ServiceUnavailableError(problem)
        return Webhook(self.signing_secret).sign(key, now, body)


def _is_signing_secret(secret: str) -> bool:
    try:
        held = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except ValueError:
        return False
    return secret.startswith(_PREFIX) and len(held) in _SECRET_BYTES
