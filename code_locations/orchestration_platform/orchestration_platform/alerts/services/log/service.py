"""The log: receives messages if no other service is configured."""

import logging
from dataclasses import dataclass

from orchestration_platform.alerts.facts.alert import Severity
from orchestration_platform.alerts.messages.formats.text import entry_text, head_text
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service

_LEVELS = {
    Severity.INFO: logging.INFO,
    Severity.WARNING: logging.WARNING,
    Severity.ERROR: logging.ERROR,
    Severity.CRITICAL: logging.CRITICAL,
}


@dataclass(frozen=True)
class LogService(Service):
    """A logger.

    Attributes:
        logger: the logger of the tick or of the process.
        note: shown above each message: why it is logged here and not sent elsewhere.
    """

    logger: logging.Logger
    note: str = ""

    def post(self, notification: Notification) -> Receipt:
        """Write a message with all its lines in one call."""
        message = notification.message
        if notification.entry is None:
            text = head_text(message)
        else:
            text = entry_text(notification.entry, about=message.summary)
        self.logger.log(_LEVELS[message.severity], "%s", f"{self.note}\n{text}".strip())
        return Receipt("log", note=self.note)
