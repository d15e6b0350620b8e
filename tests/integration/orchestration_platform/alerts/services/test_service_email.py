"""E-mail, against a real SMTP server with TLS."""

from pathlib import Path

import pytest
from tests.integration.orchestration_platform.alerts.mail_servers import Servers
from tests.integration.orchestration_platform.alerts.notifications import added, notification

from orchestration_platform.alerts.services.email.service import EmailService, SmtpServer
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import Notification, Receipt
from sandboxes.certificates import write_certificate
from sandboxes.smtp import Mailbox, text_of
from shared_lib.secrets import Secret

PEOPLE = ("ada@example.com", "grace@example.com")


def send(service: EmailService, what: Notification) -> dict[str, Exception | None]:
    """Send to all recipients; return the answer for each."""
    return dict(service.post_to_each(what, recipients=service.addresses, due=service.addresses))


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_an_incident_is_a_conversation_of_emails(
    security: str, servers: Servers, mailbox: Mailbox
) -> None:
    service = EmailService(servers(security=security), PEOPLE)
    assert send(service, notification()) == dict.fromkeys(PEOPLE)
    assert send(service, added("recovery", thread=Receipt("k1"))) == dict.fromkeys(PEOPLE)

    first, _, answer, _ = mailbox.emails
    assert mailbox.recipients == [[person] for person in PEOPLE] * 2
    assert first["To"] == ", ".join(PEOPLE)
    subject = "nightly: ValueError: it is bad · Dagster Production Run Failure in shop"
    assert first["Subject"] == subject
    assert first["Message-ID"] == "<k1.dagster@platform.example.com>"
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
    send(service, notification())
    over = added("recovery", thread=Receipt("k1"), recovered_at=2_000_000.0, instead=instead)
    send(service, over)
    first, _, answer, _ = mailbox.emails
    assert answer["Subject"] == f"Re: {first['Subject']}"


def test_nothing_is_sent_to_a_server_without_tls(servers: Servers, mailbox: Mailbox) -> None:
    service = EmailService(servers(offers_tls=False), PEOPLE)
    with pytest.raises(ServiceUnavailableError, match="STARTTLS"):
        send(service, notification())
    assert mailbox.emails == []


def test_a_certificate_that_is_not_trusted_is_refused(
    servers: Servers, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(write_certificate(tmp_path)))
    with pytest.raises(ServiceUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        send(EmailService(servers(), PEOPLE), notification())
    assert mailbox.emails == []


def test_a_wrong_password_can_be_put_right_and_is_not_shown(servers: Servers) -> None:
    from dataclasses import replace

    server = replace(servers(), password="another-password")
    with pytest.raises(ServiceUnavailableError, match="orchestration_platform/smtp") as refused:
        send(EmailService(server, PEOPLE), notification())
    assert "another-password" not in f"{refused.value!r} {server!r}"
    assert not refused.value.is_unsure


@pytest.mark.parametrize(
    ("answer", "is_plain", "expected", "is_unsure"),
    [
        ("451 busy", False, ServiceUnavailableError, False),
        ("drop", False, ServiceUnavailableError, True),
        ("554 too bad", True, MessageRefusedError, False),
    ],
)
def test_the_answer_of_the_server_decides_what_happens_to_an_email(
    answer: str,
    expected: type[Exception],
    servers: Servers,
    mailbox: Mailbox,
    *,
    is_plain: bool,
    is_unsure: bool,
) -> None:
    mailbox.answer = answer
    results = send(EmailService(servers(), PEOPLE), notification(is_plain=is_plain))
    assert {type(error) for error in results.values()} == {expected}
    assert {getattr(error, "is_unsure", False) for error in results.values()} == {is_unsure}


def test_a_content_that_is_refused_is_to_go_out_as_plain_text(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.answer = "554 too bad"
    with pytest.raises(MessageRefusedError, match="554 too bad"):
        send(EmailService(servers(), PEOPLE), notification())


def test_an_answer_is_that_to_one_recipient_and_the_others_get_the_same_email(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.unknown = frozenset({"bo@example.com"})
    mailbox.not_yet = {"cy@example.com": 1}
    people = ("ada@example.com", "bo@example.com", "cy@example.com", "grace@example.com")
    results = send(EmailService(servers(), people), notification())
    assert {address: type(error) for address, error in results.items()} == {
        "ada@example.com": type(None),
        "bo@example.com": MessageRefusedError,
        "cy@example.com": ServiceUnavailableError,
        "grace@example.com": type(None),
    }
    assert "550 no such mailbox" in str(results["bo@example.com"])
    assert "451 greylisted" in str(results["cy@example.com"])
    assert mailbox.recipients == [["ada@example.com"], ["grace@example.com"]]
    first, second = mailbox.emails
    assert (first["Message-ID"], first["To"]) == (second["Message-ID"], second["To"])
    assert first["To"] == ", ".join(people)


def test_only_those_that_are_due_get_it(servers: Servers, mailbox: Mailbox) -> None:
    service = EmailService(servers(), PEOPLE)
    due = PEOPLE[1:]
    assert dict(service.post_to_each(notification(), recipients=PEOPLE, due=due)) == {
        "grace@example.com": None
    }
    assert mailbox.recipients == [["grace@example.com"]]


def test_a_server_that_hangs_up_leaves_the_others_for_the_next_attempt(
    servers: Servers, mailbox: Mailbox
) -> None:
    mailbox.come_again = "421 shutting down"
    mailbox.not_yet = {"ada@example.com": 1}
    [(address, error)] = send(EmailService(servers(), PEOPLE), notification()).items()
    assert address == "ada@example.com"
    assert "421 shutting down" in str(error)
    assert mailbox.recipients == []


def test_a_subject_cannot_write_headers(servers: Servers, mailbox: Mailbox) -> None:
    hostile = "nightly\r\nBcc: eve@example.com\r\n\r\n<script>alert(1)</script>\udc00"
    service = EmailService(servers(), PEOPLE)
    send(service, notification(subject=hostile, message=hostile, trace=hostile))
    found, _ = mailbox.emails
    assert found["Bcc"] is None
    assert mailbox.recipients == [[person] for person in PEOPLE]
    assert "<script>" not in text_of(found, "html")


def test_a_plain_email_has_no_html(servers: Servers, mailbox: Mailbox) -> None:
    send(EmailService(servers(), PEOPLE), notification(is_plain=True))
    found, _ = mailbox.emails
    assert found.get_content_type() == "text/plain"


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"security": "none"}, "starttls, tls"),
        ({"port": "many"}, "port of orchestration_platform/smtp"),
        ({"sender": "nobody"}, "sender of orchestration_platform/smtp"),
    ],
)
def test_a_secret_that_does_not_describe_a_server_is_reported(
    changed: dict[str, str], expected: str
) -> None:
    values = {"host": "smtp.example.com", "sender": "dagster@example.com", **changed}
    with pytest.raises(ServiceUnavailableError, match=expected):
        SmtpServer.from_secret(Secret("orchestration_platform/smtp", values))
