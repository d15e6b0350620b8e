"""A real SMTP server with TLS, and the e-mail that it received."""

import asyncio
import email
import email.policy
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from sandboxes.certificates import server_context
from sandboxes.ports import reserved_port

PASSWORD = "stand-in-password"


@dataclass(frozen=True)
class Account:
    """Where a client hands in e-mail, and as whom."""

    host: str
    port: int
    security: str
    username: str
    password: str


Servers = Callable[..., Account]


@dataclass
class Mailbox:
    """The e-mail that the server received, and its answers.

    ``answer`` is its answer to an e-mail, ``unknown`` are addresses without a mailbox, and
    ``not_yet`` says how often an address is asked to try again.
    """

    answer: str = "250 taken"
    unknown: frozenset[str] = frozenset()
    not_yet: dict[str, int] = field(default_factory=dict)
    come_again: str = "451 greylisted, try again in a minute"
    emails: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: Any
    ) -> str:
        """Accept or refuse a recipient."""
        if address in self.unknown:
            return "550 no such mailbox"
        if self.not_yet.get(address):
            self.not_yet[address] -= 1
            return self.come_again
        envelope.rcpt_tos.append(address)
        return "250 known"

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Accept or refuse an e-mail, which must have come over TLS."""
        transport = server.transport
        assert isinstance(transport, asyncio.Transport)
        assert session.ssl or transport.get_extra_info("ssl_object")
        if self.answer == "drop":
            transport.abort()
            return "421 gone"
        if self.answer.startswith("250"):
            content = envelope.original_content or b""
            parsed = email.message_from_bytes(content, policy=email.policy.default)
            assert isinstance(parsed, EmailMessage)
            self.emails.append(parsed)
            self.recipients.append(list(envelope.rcpt_tos))
        return self.answer


@contextmanager
def smtp_servers(mailbox: Mailbox, certificate: Path) -> Iterator[Servers]:
    """Yield a function that starts servers, which put the e-mail they receive into ``mailbox``."""
    with ExitStack() as running:

        def start(*, security: str = "starttls", offers_tls: bool = True) -> Account:
            context = server_context(certificate)
            options: dict[str, Any] = {"authenticator": _authenticate, "auth_required": offers_tls}
            if security == "tls":
                options |= {"ssl_context": context, "auth_require_tls": False}
            elif offers_tls:
                options |= {"tls_context": context, "require_starttls": True}
            port = reserved_port()
            controller = Controller(mailbox, hostname="127.0.0.1", port=port, **options)
            controller.start()
            running.callback(controller.stop)
            return Account(
                host="127.0.0.1",
                port=port,
                security=security,
                username="dagster",
                password=PASSWORD,
            )

        yield start


def text_of(message: EmailMessage, kind: str) -> str:
    """Return the text of the part of that kind, ``plain`` or ``html``."""
    part = message.get_body((kind,))
    assert part is not None
    return part.get_content()


def _authenticate(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
    is_known = data == LoginPassword(b"dagster", PASSWORD.encode())
    return AuthResult(success=is_known, handled=is_known)
