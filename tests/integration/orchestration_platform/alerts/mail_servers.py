"""Mail servers as the platform knows them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest

from orchestration_platform.alerts.services.email.service import SmtpServer
from sandboxes.smtp import Mailbox, smtp_servers

Servers = Callable[..., SmtpServer]


@contextmanager
def mail_servers(mailbox: Mailbox, certificate: Path) -> Iterator[Servers]:
    """Starts servers that put what they are handed in into the mailbox."""
    with smtp_servers(mailbox, certificate) as start:

        def start_one(**behaviour: object) -> SmtpServer:
            account = asdict(start(**behaviour))
            return SmtpServer(**account, sender="dagster@platform.example.com")

        yield start_one


def send_e_mail_to(server: SmtpServer, patch: pytest.MonkeyPatch) -> None:
    """From now on hand in e-mail there."""
    for key, value in {
        "HOST": server.host,
        "PORT": str(server.port),
        "SECURITY": server.security,
        "SENDER": server.sender,
        "USERNAME": server.username,
        "PASSWORD": server.password,
    }.items():
        patch.setenv(f"ORCHESTRATION_PLATFORM_SMTP__{key}", value)
