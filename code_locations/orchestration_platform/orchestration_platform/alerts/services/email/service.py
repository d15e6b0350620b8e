"""E-mail by SMTP with TLS: an incident is a conversation."""

import re
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from orchestration_platform.alerts.messages.formats.html import entry_html, head_html
from orchestration_platform.alerts.messages.formats.text import entry_text, head_text
from orchestration_platform.alerts.messages.message import Message
from orchestration_platform.alerts.messages.text import clean, cut
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.http import TIMEOUT_SECONDS
from orchestration_platform.alerts.services.protocol.service import (
    Notification,
    Recipients,
    ServiceWithRecipients,
)
from shared_lib.secrets import Secret

if TYPE_CHECKING:
    import smtplib

_STARTTLS = "starttls"
_IMPLICIT_TLS = "tls"
_PORTS = {_STARTTLS: 587, _IMPLICIT_TLS: 465}
_LONGEST_SUBJECT = 180
_LONGEST_REASON_IN_SUBJECT = 100
# A server's replies from here on are permanent; below, it may accept the e-mail later.
_PERMANENT = 500
_LONGEST_REASON = 300
_REMEDY = "write what the server wants to the secret orchestration_platform/smtp"
ADDRESS = re.compile(r"[^@\s,:<>]+@([^@\s,:<>]+)")


@dataclass(frozen=True)
class SmtpServer:
    """The server that accepts e-mail.

    Attributes:
        host: its name, which its certificate must match.
        port: usually 587 or 465.
        security: ``starttls``, or ``tls`` from the start; there is no third.
        sender: the sender address of messages.
        username: empty if the server requires no login.
        password: the password of the user.
    """

    host: str
    port: int
    security: str
    sender: str
    username: str = ""
    password: str = field(default="", repr=False)

    @classmethod
    def from_secret(cls, secret: Secret) -> "SmtpServer":
        """Read host and sender, and if present port, security, username and password.

        Raises:
            SecretKeyNotFoundError: host or sender is missing.
            ServiceUnavailableError: a value is not allowed.
        """
        given = {key: secret[key].reveal().strip() for key in secret}
        security = given.get("security", _STARTTLS)
        if security not in _PORTS:
            raise ServiceUnavailableError(
                f"security of {secret.path} is not allowed, allowed is one of: {', '.join(_PORTS)}"
            )
        port = given.get("port", str(_PORTS[security]))
        if not port.isdigit():
            raise ServiceUnavailableError(f"port of {secret.path} is not a whole number")
        sender = secret["sender"].reveal().strip()
        if not ADDRESS.fullmatch(sender):
            raise ServiceUnavailableError(f"sender of {secret.path} is not an address")
        return cls(
            host=secret["host"].reveal().strip(),
            port=int(port),
            security=security,
            sender=sender,
            username=given.get("username", ""),
            password=given.get("password", ""),
        )


@dataclass(frozen=True)
class EmailService(ServiceWithRecipients):
    """A service for some addresses.

    Attributes:
        server: the server that accepts the e-mail.
        addresses: the recipients.
        timeout_seconds: for a connection, and for each answer.
    """

    server: SmtpServer
    addresses: Sequence[str]
    timeout_seconds: float = TIMEOUT_SECONDS

    def recipients(self, message: Message) -> Recipients:  # noqa: ARG002 - see owners.py
        """Return who gets the e-mails about ``message``."""
        return Recipients(self.addresses)

    def post_to_each(
        self, notification: Notification, *, recipients: Sequence[str], due: Sequence[str]
    ) -> Generator[tuple[str, Exception | None]]:
        """Send the e-mail of an incident, or a reply to it, to each recipient that is due.

        All of them see who the others are, and get the same Message-ID.
        """
        if not due:
            return
        email = self._email(notification, recipients)
        connection = self._connected()
        try:
            for address in due:
                yield address, self._refusal(connection, email, address, notification)
                if connection.sock is None:
                    # the server has hung up: the others are due in the next attempt
                    return
            _say_goodbye(connection)
        finally:
            connection.close()

    def _refusal(
        self, connection: "smtplib.SMTP", email: EmailMessage, to: str, notification: Notification
    ) -> Exception | None:
        """Submit the e-mail for one recipient; return why the server refused, or None."""
        import smtplib

        try:
            connection.send_message(email, to_addrs=[to])
        except smtplib.SMTPSenderRefused as error:
            reason = _reason(error.smtp_code, error.smtp_error)
            remedy = "the server does not let its user send as the sender of the secret"
            raise ServiceUnavailableError(f"{reason}: {remedy}") from error
        except smtplib.SMTPRecipientsRefused as error:
            [reply] = error.recipients.values()
            return _judged(*reply)
        except smtplib.SMTPResponseException as error:
            judged = _judged(error.smtp_code, error.smtp_error)
            if isinstance(judged, MessageRefusedError) and not notification.is_plain:
                # the content is refused: the message goes out as plain text instead
                raise judged from error
            return judged
        except (OSError, smtplib.SMTPException) as error:
            connection.close()
            return ServiceUnavailableError(self._silence(error), is_unsure=True)
        return None

    def _email(self, notification: Notification, to: Sequence[str]) -> EmailMessage:
        message = notification.message
        first = self._message_id(notification.incident_key)
        email = EmailMessage()
        email["From"] = self.server.sender
        email["To"] = ", ".join(to)
        email["Date"] = format_datetime(datetime.now(UTC))
        email["Message-ID"] = self._message_id(notification.key)
        # So that no absence notice answers.
        email["Auto-Submitted"] = "auto-generated"
        if notification.entry is None:
            email["Subject"] = _subject(message)
            email.set_content(head_text(message, with_traces=True))
            html = head_html(message)
        else:
            email["Subject"] = f"Re: {_subject(message)}"
            email["In-Reply-To"] = first
            email["References"] = first
            email.set_content(entry_text(notification.entry, about=message.summary))
            html = entry_html(notification.entry, about=message.summary)
        if not notification.is_plain:
            email.add_alternative(html, subtype="html")
        return email

    def _message_id(self, key: str) -> str:
        found = ADDRESS.fullmatch(self.server.sender)
        return f"<{key}.dagster@{found[1] if found else 'localhost'}>"

    def _connected(self) -> "smtplib.SMTP":
        """Return a connection with TLS, logged in."""
        import smtplib
        import ssl

        context = ssl.create_default_context()
        server, timeout = self.server, self.timeout_seconds
        connection: smtplib.SMTP | None = None
        try:
            if server.security == _IMPLICIT_TLS:
                connection = smtplib.SMTP_SSL(
                    server.host, server.port, timeout=timeout, context=context
                )
            else:
                connection = smtplib.SMTP(server.host, server.port, timeout=timeout)
                connection.starttls(context=context)
            if server.username:
                connection.login(server.username, server.password)
        except (OSError, smtplib.SMTPException) as error:
            if connection is not None:
                connection.close()
            if isinstance(error, smtplib.SMTPResponseException):
                reason = f"{_reason(error.smtp_code, error.smtp_error)}: {_REMEDY}"
                raise ServiceUnavailableError(reason) from error
            raise ServiceUnavailableError(self._silence(error)) from error
        return connection

    def _silence(self, error: Exception) -> str:
        where = f"{self.server.host}:{self.server.port}"
        return f"the e-mail server {where} did not answer as it should: {error}"[:_LONGEST_REASON]


def _say_goodbye(connection: "smtplib.SMTP") -> None:
    import smtplib

    # The server has the e-mail: how it ends the connection changes nothing.
    with suppress(OSError, smtplib.SMTPException):
        connection.quit()


def _subject(message: Message) -> str:
    # the same for every e-mail of a conversation
    why = f": {cut(message.reason, _LONGEST_REASON_IN_SUBJECT)}" if message.reason else ""
    text = f"{message.subject}{why} · {message.event} in {message.location}"
    return cut(" ".join(clean(text).split()), _LONGEST_SUBJECT)


def _judged(code: int, answer: bytes | str) -> Exception:
    reason = _reason(code, answer)
    return MessageRefusedError(reason) if code >= _PERMANENT else ServiceUnavailableError(reason)


def _reason(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"the e-mail server answered {code} {' '.join(text.split())[:200]}"
