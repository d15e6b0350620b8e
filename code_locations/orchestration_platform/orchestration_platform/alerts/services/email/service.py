"""E-mail by SMTP with TLS: an incident is a conversation."""

import re
import time
from collections.abc import Collection, Mapping, Sequence
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
from orchestration_platform.alerts.services.email.recent import RecentEmails
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.http import TIMEOUT_SECONDS
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt, Service
from shared_lib.secrets import Secret

if TYPE_CHECKING:
    import smtplib

_STARTTLS = "starttls"
_IMPLICIT_TLS = "tls"
_PORTS = {_STARTTLS: 587, _IMPLICIT_TLS: 465}
_LONGEST_SUBJECT = 180
# A server's replies from here on are permanent; below, it may accept the e-mail later.
_PERMANENT = 500
_LONGEST_REASON = 300
# How long an e-mail is submitted again for an address that is refused for now: greylisting takes
# some minutes. A full mailbox must not slow down the e-mails to others for days.
_REFUSED_FOR_NOW_SECONDS = 1800.0
_REMEDY = "write what the server wants to the secret orchestration_platform/smtp"
ADDRESS = re.compile(r"[^@\s,:<>]+@([^@\s,:<>]+)")

# The code, and the text the server sent with it.
_Reply = tuple[int, bytes | str]


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
class EmailService(Service):
    """A service for some addresses.

    Attributes:
        server: the server that accepts the e-mail.
        addresses: the recipients.
        timeout_seconds: for a connection, and for each answer.
        recent: who already has an e-mail; shared by all services of the process.
    """

    server: SmtpServer
    addresses: Sequence[str]
    timeout_seconds: float = TIMEOUT_SECONDS
    recent: RecentEmails = field(default_factory=RecentEmails)

    def post(self, notification: Notification) -> Receipt:
        """Send the e-mail of an incident, or a reply to it.

        Recipients refused for now get it later; those who already have it do not get it again.
        """
        message_id = self._message_id(notification.key)
        to, note = self.recipients(notification.message)
        delivered = self.recent.delivered.get(message_id, set())
        due = [address for address in to if address not in delivered]
        refused = self._hand_in(self._email(notification, message_id, to), due) if due else {}
        taken = set(due) - set(refused)
        self._remember(refused, taken=taken)
        if not taken | delivered:
            raise _judged(*min(refused.values()))
        reasons = [
            f"{address}: {_said(*reply)}"
            for address, reply in sorted(refused.items())
            if self._may_be_taken(address, reply)
        ]
        if reasons:
            self.recent.delivered[message_id] = taken | delivered
            raise ServiceUnavailableError("; ".join(reasons)[:_LONGEST_REASON])
        self.recent.delivered.pop(message_id, None)
        notes = [note, f"refused: {', '.join(sorted(refused))}" if refused else ""]
        return Receipt(message_id, note="; ".join(filter(None, notes)))

    def recipients(self, message: Message) -> tuple[Sequence[str], str]:  # noqa: ARG002 - see below
        """Return who gets the e-mails about ``message``, and a note on why they do."""
        return self.addresses, ""

    def _remember(self, refused: Collection[str], *, taken: Collection[str]) -> None:
        known, now = self.recent.refused, time.monotonic()
        for address in taken:
            known.pop(address, None)
        for address in refused:
            first, last = known.get(address, (now, now))
            known[address] = (first if now - last <= _REFUSED_FOR_NOW_SECONDS else now, now)

    def _may_be_taken(self, address: str, reply: _Reply) -> bool:
        """Return whether it makes sense to submit again what was just refused."""
        first, last = self.recent.refused[address]
        return reply[0] < _PERMANENT and last - first <= _REFUSED_FOR_NOW_SECONDS

    def _email(
        self, notification: Notification, message_id: str, to: Sequence[str]
    ) -> EmailMessage:
        message = notification.message
        first = self._message_id(notification.incident_key)
        email = EmailMessage()
        email["From"] = self.server.sender
        email["To"] = ", ".join(to)
        email["Date"] = format_datetime(datetime.now(UTC))
        email["Message-ID"] = message_id
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

    def _hand_in(self, email: EmailMessage, to: Sequence[str]) -> Mapping[str, _Reply]:
        """Submit the e-mail to the server; return the addresses it refused, and why."""
        import smtplib

        connection = self._connected()
        try:
            refused = connection.send_message(email, to_addrs=to)
        except smtplib.SMTPSenderRefused as error:
            reason = _said(error.smtp_code, error.smtp_error)
            remedy = "the server does not let its user send as the sender of the secret"
            raise ServiceUnavailableError(f"{reason}: {remedy}") from error
        except smtplib.SMTPResponseException as error:
            raise _judged(error.smtp_code, error.smtp_error) from error
        except smtplib.SMTPRecipientsRefused as error:
            # nobody has it, not even those not refused before the server hung up
            reply = min(error.recipients.values())
            return {address: error.recipients.get(address, reply) for address in to}
        except (OSError, smtplib.SMTPException) as error:
            raise ServiceUnavailableError(self._silence(error), is_unsure=True) from error
        else:
            _say_goodbye(connection)
            return refused
        finally:
            connection.close()

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
                reason = f"{_said(error.smtp_code, error.smtp_error)}: {_REMEDY}"
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
    title = message.title.removesuffix(" (recovered)").removesuffix(" (over)")
    text = f"{title}: {message.subject} in {message.location}"
    return cut(" ".join(clean(text).split()), _LONGEST_SUBJECT)


def _judged(code: int, said: bytes | str) -> Exception:
    reason = _said(code, said)
    return MessageRefusedError(reason) if code >= _PERMANENT else ServiceUnavailableError(reason)


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"the e-mail server answered {code} {' '.join(text.split())[:200]}"
