"""One of the many services that Apprise sends to: plain text that does not change."""

import logging
import re
from dataclasses import dataclass, field
from typing import Any

import apprise

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.formats.text import entry_text, head_text
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import cut, length
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.protocol.http import judge, may_carry_secrets
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

_TONES = {
    Severity.INFO: apprise.NotifyType.INFO,
    Severity.WARNING: apprise.NotifyType.WARNING,
    Severity.ERROR: apprise.NotifyType.FAILURE,
    Severity.CRITICAL: apprise.NotifyType.FAILURE,
}
_REMEDY = "write a valid URL to the secret that the policy names"
# How Apprise ends its line about an answer.
_STATUS = re.compile(r"error=(?P<status>[1-5]\d\d)\b")
_LONGEST_BODY = 10_000
_BETWEEN = len("\r\n")


@dataclass(frozen=True)
class AppriseService(Service):
    """One URL.

    Attributes:
        plugin: the part of Apprise that sends to it; its texts may hold parts of the URL.
        schema: the beginning of the URL, for people.
    """

    plugin: Any = field(repr=False)
    schema: str

    @classmethod
    def of(cls, url: str) -> "AppriseService":
        """Return the service for ``url``, which is secret.

        Raises:
            ServiceUnavailableError: it is not a URL of Apprise, or would send unencrypted.
        """
        # what Apprise logs may hold parts of the URL
        logging.getLogger("apprise").propagate = False
        found: Any = apprise.Apprise.instantiate(url)
        if found is None:
            raise ServiceUnavailableError(f"apprise_url is not a URL of Apprise: {_REMEDY}")
        schema = url.partition(":")[0].lower()
        if schema in _names(found.protocol) - _names(found.secure_protocol):
            host = getattr(found, "host", "")
            if host and not may_carry_secrets(host, is_encrypted=False):
                raise ServiceUnavailableError(
                    f"apprise_url begins with {schema}:, which is not encrypted: {_REMEDY}"
                )
        # another host might get what is meant for this one
        found.redirects = False
        return cls(found, schema)

    def post(self, notification: Notification) -> Receipt:
        """Send a message; an entry says what it belongs to."""
        message, entry = notification.message, notification.entry
        text = head_text(message) if entry is None else entry_text(entry, about=message.summary)
        if notification.is_plain:
            text = message.summary
        lines: list[str] = []
        sender = apprise.Apprise()
        sender.add(self.plugin)
        is_sent = sender.notify(
            title=message.title,
            body=cut(text, self._room(message)),
            body_format=apprise.NotifyFormat.TEXT,
            notify_type=_tone(message),
            log_callback=lambda line, _plugin: lines.append(line.message),
            log_level=logging.WARNING,
        )
        if is_sent:
            return Receipt(notification.key)
        statuses = [int(found["status"]) for found in map(_STATUS.search, lines) if found]
        for status in statuses:
            judge(self.schema, status, retry_after=None, remedy=_REMEDY)
        raise ServiceUnavailableError(f"{self.schema} did not answer", is_unsure=True)

    def _room(self, message: Message) -> int:
        """Return how long the text may be; without a title of its own, it has the title too."""
        room = min(self.plugin.body_maxlen, _LONGEST_BODY)
        has_title = self.plugin.title_maxlen > 0
        return room if has_title else room - length(message.title) - _BETWEEN


def _tone(message: Message) -> apprise.NotifyType:
    return apprise.NotifyType.SUCCESS if message.is_ok else _TONES[message.severity]


def _names(protocol: str | tuple[str, ...] | None) -> set[str]:
    return {protocol} if isinstance(protocol, str) else set(protocol or ())
