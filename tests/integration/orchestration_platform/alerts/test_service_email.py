"""E-mail, against a real SMTP server with TLS."""

from pathlib import Path

import pytest
from tests.integration.orchestration_platform.alerts.mail_servers import Servers
from tests.integration.orchestration_platform.alerts.notifications import added, notification

from orchestration_platform.alerts.services.email import service as sent_by_email
from orchestration_platform.alerts.services.email.service import EmailService, SmtpServer
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from sandboxes.certificates import write_certificate
from sandboxes.smtp import Mailbox, text_of
from shared_lib.secrets import Secret

PEOPLE = ("ada@example.com", "grace@example.com")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_incident_is_a_conversation_of_emails(
    security: str, servers: Servers, mailbox: Mailbox
) -> None:
    service = EmailService(servers(security=security), PEOPLE)
    receipt = service.post(notification())
    service.post(added("recovery", thread=receipt))

    first, answer = mailbox.emails
    assert mailbox.recipients[0] == list(PEOPLE)
    assert first["Subject"] == "Dagster Production Run Failure: nightly in shop"
    assert first["Message-ID"] == receipt.id == "<k1.dagster@platform.example.com>"
    assert "ValueError: it is bad" in text_of(first, "plain")
    assert "a trace" in text_of(first, "plain")
    assert "<h2" in text_of(first, "html")
    assert answer["In-Reply-To"] == answer["References"] == first["Message-ID"]
    assert answer["Subject"] == f"Re: {first['Subject']}"
    assert answer["Message-ID"] == "<k2.dagster@platform.example.com>"
    assert "Recovered after" in text_of(answer, "plain")


@pytest.mark.parametrize("instead", ["", "it reports an error"], ids=["recovered", "over"])
def test_a_conversation_keeps_its_subject_when_it_is_over(
    instead: str, servers: Servers, mailbox: Mailbox
) -> None:
    service = EmailService(servers(), PEOPLE)
    receipt = service.post(notification())
    service.post(added("recovery", thread=receipt, recovered_at=2_000_000.0, instead=instead))
    first, answer = mailbox.emails
    assert answer["Subject"] == f"Re: {first['Subject']}"


def test_nothing_is_said_to_a_server_without_tls(servers: Servers, mailbox: Mailbox) -> None:
    service = EmailService(servers(offers_tls=False), PEOPLE)
    with pytest.raises(ServiceUnavailableError, match="STARTTLS"):
        service.post(notification())
    assert mailbox.emails == []


def test_a_certificate_that_is_not_trusted_is_refused(
    servers: Servers, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(write_certificate(tmp_path)))
    with pytest.raises(ServiceUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        EmailService(servers(), PEOPLE).post(notification())
    assert mailbox.emails == []


def test_a_wrong_password_can_be_put_right_and_is_not_shown(servers: Servers) -> None:
    from dataclasses import replace

    server = replace(servers(), password="another-password")
    with pytest.raises(ServiceUnavailableError, match="orchestration_platform/smtp") as refused:
        EmailService(server, PEOPLE).post(notification())
    assert "another-password" not in f"{refused.value!r} {server!r}"
    assert not refused.value.is_unsure


@pytest.mark.parametrize(
    ("answer", "expected", "is_unsure"),
    [
        ("451 busy", ServiceUnavailableError, False),
        ("drop", ServiceUnavailableError, True),
        ("554 too bad", MessageRefusedError, False),
    ],
)
def test_what_the_server_says_decides_what_becomes_of_an_email(
    answer: str,
    expected: type[Exception],
    is_unsure: object,
    servers: Servers,
    mailbox: Mailbox,
) -> None:
    mailbox.answer = answer
    with pytest.raises(expected) as refused:
        EmailService(servers(), PEOPLE).post(notification())
    assert getattr(refused.value, "is_unsure", False) is is_unsure


def test_one_of_two_addresses_that_does_not_exist_is_noted(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.unknown = frozenset({"grace@example.com"})
    receipt = EmailService(servers(), PEOPLE).post(notification())
    assert receipt.note == "refused: grace@example.com"
    assert mailbox.recipients == [["ada@example.com"]]


def test_who_is_refused_for_now_gets_it_later_and_the_others_not_again(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.not_yet = {"grace@example.com": 2}
    service = EmailService(servers(), PEOPLE)
    for _ in range(2):
        with pytest.raises(ServiceUnavailableError, match=r"grace@example.com: .* 451 greyl"):
            service.post(notification())
    assert service.post(notification()).note == ""
    assert mailbox.recipients == [["ada@example.com"], ["grace@example.com"]]
    first, second = mailbox.emails
    assert (first["Message-ID"], first["To"]) == (second["Message-ID"], second["To"])
    service.post(added("recovery"))
    assert mailbox.recipients[2] == list(PEOPLE)


def test_who_is_refused_for_long_keeps_nothing_waiting(servers: Servers, mailbox: Mailbox) -> None:
    mailbox.not_yet = {"grace@example.com": 9}
    service = EmailService(servers(), PEOPLE)
    with pytest.raises(ServiceUnavailableError):
        service.post(notification())
    first, last = service.recent.refused["grace@example.com"]
    began = first - sent_by_email._REFUSED_FOR_NOW_SECONDS
    service.recent.refused["grace@example.com"] = (began, last)
    assert service.post(notification()).note == "refused: grace@example.com"
    assert service.post(added("recovery")).note == "refused: grace@example.com"
    assert mailbox.recipients == [["ada@example.com"]] * 2


def test_a_server_that_hangs_up_among_the_addresses_has_told_nobody(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.come_again = "421 shutting down"
    mailbox.not_yet = {"grace@example.com": 1}
    service = EmailService(servers(), PEOPLE)
    with pytest.raises(ServiceUnavailableError, match="421 shutting down"):
        service.post(notification())
    assert service.post(notification()).note == ""
    assert mailbox.recipients == [list(PEOPLE)]


def test_who_has_it_has_it_although_the_other_is_refused_for_good_in_the_end(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.not_yet = {"grace@example.com": 1}
    service = EmailService(servers(), PEOPLE)
    with pytest.raises(ServiceUnavailableError):
        service.post(notification())
    mailbox.unknown = frozenset({"grace@example.com"})
    assert service.post(notification()).note == "refused: grace@example.com"
    assert mailbox.recipients == [["ada@example.com"]]


def test_what_failed_cannot_write_headers(servers: Servers, mailbox: Mailbox) -> None:
    hostile = "nightly\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\udc00"
    service = EmailService(servers(), PEOPLE)
    service.post(notification(subject=hostile, message=hostile, trace=hostile))
    [found] = mailbox.emails
    assert found["Bcc"] is None
    assert mailbox.recipients == [list(PEOPLE)]
    assert "<script>" not in text_of(found, "html")


def test_a_plain_email_has_no_html(servers: Servers, mailbox: Mailbox) -> None:
    EmailService(servers(), PEOPLE).post(notification(is_plain=True))
    [found] = mailbox.emails
    assert found.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"security": "none"}, "starttls, tls"),
        ({"port": "many"}, "port of orchestration_platform/smtp"),
        ({"sender": "nobody"}, "sender of orchestration_platform/smtp"),
    ],
)
def test_a_secret_that_does_not_describe_a_server_is_told(
    changed: dict[str, str], expected: str
) -> None:
    values = {"host": "smtp.example.com", "sender": "dagster@example.com", **changed}
    with pytest.raises(ServiceUnavailableError, match=expected):
        SmtpServer.from_secret(Secret("orchestration_platform/smtp", values))
