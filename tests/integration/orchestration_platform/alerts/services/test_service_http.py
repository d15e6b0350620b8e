"""Teams, PagerDuty, Slack's webhooks and signed webhooks, against a server as strict as they."""

import base64
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.integration.orchestration_platform.alerts.notifications import added, notification

from orchestration_platform.alerts.facts.alert import Problem
from orchestration_platform.alerts.messages.formats.teams import LARGEST_CARD
from orchestration_platform.alerts.services.microsoft_teams.service import TeamsService
from orchestration_platform.alerts.services.pagerduty.service import API_VARIABLE, PagerDutyService
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import Service
from orchestration_platform.alerts.services.slack_webhook.service import SlackWebhookService
from orchestration_platform.alerts.services.webhook.service import WebhookService
from sandboxes.certificates import (
    server_context,
    write_certificate,
)
from sandboxes.slack.limits import problem_of
from sandboxes.webhooks import (
    ReceivingServer,
    receiving_server,
)

SIGNING_SECRET = "whsec_" + base64.b64encode(b"stand-in signing secret, 32 byte").decode()
ROUTING_KEY = "0123456789abcdef0123456789abcdef"


def judge_teams(_headers: Mapping[str, str], body: bytes) -> str | None:
    if len(body) > LARGEST_CARD:
        return "too large"
    payload = json.loads(body)
    [attachment] = payload["attachments"]
    card = attachment["content"]
    if (payload["type"], card["type"]) != ("message", "AdaptiveCard"):
        return "no card"
    if attachment["contentType"] != "application/vnd.microsoft.card.adaptive":
        return "no card"
    for element in card["body"]:
        if element["type"] == "TextBlock" and element["text"]:
            continue
        if element["type"] == "FactSet" and all(
            f["title"] and f["value"] for f in element["facts"]
        ):
            continue
        return f"bad element {element}"
    actions = card.get("actions", [])
    return None if all(a["type"] == "Action.OpenUrl" and a["url"] for a in actions) else "actions"


def judge_pagerduty(_headers: Mapping[str, str], body: bytes) -> str | None:
    """Fields, kinds and lengths of Events API v2."""
    event = json.loads(body)
    known = {"routing_key", "event_action", "dedup_key", "payload", "links", "client"}
    if event.keys() - known or event["routing_key"] != ROUTING_KEY:
        return "fields or key"
    if not 0 < len(event["dedup_key"]) <= 255:
        return "dedup_key"
    if event["event_action"] == "resolve":
        return None if "payload" not in event else "resolve has no payload"
    is_linked = all(link.keys() == {"href", "text"} for link in event["links"])
    if event["event_action"] != "trigger" or not is_linked:
        return "action or links"
    return judge_payload(event["payload"])


def judge_payload(payload: dict[str, Any]) -> str | None:
    fields = {"summary", "source", "severity", "timestamp", "component", "group", "class"}
    if payload.keys() - fields - {"custom_details"}:
        return "payload"
    if not 0 < len(payload["summary"]) <= 1024 or not payload["source"]:
        return "summary or source"
    if payload["severity"] not in ("critical", "error", "warning", "info"):
        return "severity"
    is_time = re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", payload["timestamp"])
    return None if is_time else "timestamp"


def judge_webhook(headers: Mapping[str, str], body: bytes) -> str | None:
    from standardwebhooks import Webhook
    from standardwebhooks.webhooks import WebhookVerificationError

    try:
        content = Webhook(SIGNING_SECRET).verify(body, dict(headers))
    except WebhookVerificationError as error:
        return str(error)
    return None if content.keys() == {"type", "timestamp", "data"} else "fields"


def judge_slack(_headers: Mapping[str, str], body: bytes) -> str | None:
    content = json.loads(body)
    known = {"text", "blocks", "unfurl_links", "unfurl_media"}
    return "invalid_payload" if content.keys() - known else problem_of(content)


JUDGES = {
    "microsoft_teams": judge_teams,
    "pagerduty": judge_pagerduty,
    "webhook": judge_webhook,
    "slack_webhook": judge_slack,
}


def service_at(name: str, server: ReceivingServer) -> Service:
    match name:
        case "microsoft_teams":
            return TeamsService(server.url, timeout_seconds=2.0)
        case "pagerduty":
            return PagerDutyService(ROUTING_KEY, timeout_seconds=2.0)
        case "webhook":
            return WebhookService(server.url, SIGNING_SECRET, timeout_seconds=2.0)
    return SlackWebhookService(server.url, timeout_seconds=2.0)


@pytest.fixture
def name() -> str:
    return "pagerduty"


@pytest.fixture
def server(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivingServer]:
    if name != "pagerduty":
        with receiving_server(JUDGES[name]) as found:
            yield found
        return
    # its library speaks https alone
    certificate = write_certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    taken = (202, json.dumps({"status": "success", "dedup_key": "k1"}))
    with receiving_server(judge_pagerduty, taken=taken, tls=server_context(certificate)) as found:
        monkeypatch.setenv(API_VARIABLE, found.url)
        yield found


all_services = pytest.mark.parametrize("name", list(JUDGES))


@all_services
def test_a_message_is_one_that_the_service_takes(name: str, server: ReceivingServer) -> None:
    receipt = service_at(name, server).post(notification(last_success_at=500_000.0))
    assert server.refused == []
    [found] = server.received
    assert receipt.id == "k1"
    assert "ValueError: it is bad" in found.body.decode()
    assert "nightly" in found.body.decode()


HOSTILE = [
    "x" * 40_000,
    "\\`*_[]<>&#|~" * 3_000,
    "👩\u200d👩\u200d👧" * 2_000,
    "\ud800\x00\x1b[31m\r\n" * 500,
    "",
]


@all_services
@pytest.mark.parametrize("text", HOSTILE, ids=["long", "markup", "emoji", "broken", "empty"])
def test_no_error_makes_a_message_that_the_service_refuses(
    name: str, text: str, server: ReceivingServer
) -> None:
    service = service_at(name, server)
    hostile = {"subject": text, "message": text, "step": text, "trace": text, "location": text}
    service.post(notification(**hostile))
    service.post(notification(**hostile, is_plain=True))
    assert server.refused == []
    assert len(server.received) == 2


@all_services
@pytest.mark.parametrize(
    ("fault", "expected", "retry_after", "is_unsure"),
    [
        (429, ServiceUnavailableError, 7.0, False),
        (503, ServiceUnavailableError, None, True),
        (403, ServiceUnavailableError, None, False),
        ("drop", ServiceUnavailableError, None, True),
        (400, MessageRefusedError, None, False),
    ],
    ids=str,
)
def test_the_answer_of_the_service_decides_what_happens_to_a_message(
    name: str,
    fault: int | str,
    expected: type[Exception],
    retry_after: float | None,
    is_unsure: object,
    server: ReceivingServer,
) -> None:
    server.faults.append(fault)
    with pytest.raises(expected) as refused:
        service_at(name, server).post(notification())
    assert getattr(refused.value, "retry_after", None) == retry_after
    assert getattr(refused.value, "is_unsure", False) is is_unsure
    # the outbox tries again, the client of the service does not
    assert server.received == []
    assert server.url not in str(refused.value)


@pytest.mark.parametrize("name", ["microsoft_teams", "webhook", "slack_webhook"])
def test_an_entry_shows_what_it_belongs_to(name: str, server: ReceivingServer) -> None:
    service_at(name, server).post(added("recovery", recovered_at=1_000_060.0))
    [found] = server.received
    assert "Recovered after 1 min" in found.body.decode()
    assert "Run Failure in shop" in found.body.decode().replace("\\\\", "")


def test_pagerduty_is_triggered_and_resolved_by_the_same_key(server: ReceivingServer) -> None:
    service = PagerDutyService(ROUTING_KEY)
    receipt = service.post(notification())
    service.update(notification(), at=receipt)
    assert len(server.received) == 1
    service.update(notification(recovered_at=1_000_060.0), at=receipt)
    trigger, resolve = [found.json for found in server.received]
    assert trigger["event_action"] == "trigger"
    assert trigger["payload"]["severity"] == "error"
    assert trigger["payload"]["custom_details"]["load"] == "ValueError: it is bad"
    assert resolve["event_action"] == "resolve"
    assert trigger["dedup_key"] == resolve["dedup_key"] == "k1"


def test_pagerduty_gets_each_model_of_one_step(server: ReceivingServer) -> None:
    models = [
        Problem("shop_models", "Database Error", f"model {name} is bad", "", "") for name in "ab"
    ]
    PagerDutyService(ROUTING_KEY).post(notification(problems=tuple(models)))
    [found] = server.received
    details = found.json["payload"]["custom_details"]
    assert "model a is bad" in details["shop_models"]
    assert "model b is bad" in details["shop_models (2)"]


def test_pagerduty_hears_nothing_where_its_certificate_is_not_trusted(
    server: ReceivingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(ServiceUnavailableError, match="ConnectError"):
        PagerDutyService(ROUTING_KEY).post(notification())
    assert server.received == []


def test_a_webhook_is_known_by_its_id_when_it_comes_twice() -> None:
    with receiving_server(judge_webhook) as server:
        service = WebhookService(server.url, SIGNING_SECRET)
        server.faults.append("accept_and_drop")
        with pytest.raises(ServiceUnavailableError):
            service.post(notification())
        service.post(notification())
        first, second = server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "k1"
    data: dict[str, Any] = second.json["data"]
    assert (data["incident"], data["occurrences"], data["severity"]) == ("k1", 2, "error")
    assert second.json["type"] == "dagster.alert.opened"


def test_a_receiver_with_another_secret_refuses_what_is_signed_with_ours() -> None:
    other = "whsec_" + base64.b64encode(b"another signing secret, 32 bytes").decode()
    with receiving_server(judge_webhook) as server, pytest.raises(MessageRefusedError):
        WebhookService(server.url, other).post(notification())


@pytest.mark.parametrize(
    "service",
    [
        TeamsService("http://teams.example.com/secret-path"),
        WebhookService("http://hooks.example.com/secret-path", SIGNING_SECRET),
        SlackWebhookService("http://hooks.example.com/secret-path"),
        WebhookService("https://hooks.example.com/secret-path", "whsec_!"),
    ],
    ids=["teams", "webhook", "slack", "signing secret"],
)
def test_a_message_to_an_unprotected_address_is_not_sent_and_the_address_is_not_shown(
    service: Service,
) -> None:
    with pytest.raises(
        ServiceUnavailableError, match=r"not an https address|is not whsec_"
    ) as refused:
        service.post(notification())
    assert "secret-path" not in f"{refused.value} {service!r}"


@pytest.mark.parametrize(
    "secret",
    [
        SIGNING_SECRET.removeprefix("whsec_"),
        "whsec_",
        "whsec_" + base64.b64encode(b"s" * 23).decode(),
        "whsec_" + base64.b64encode(b"s" * 65).decode(),
        SIGNING_SECRET + "!",
    ],
)
def test_an_invalid_signing_secret_is_reported_and_not_shown(secret: str) -> None:
    with receiving_server(judge_webhook) as server:
        with pytest.raises(ServiceUnavailableError, match="24 to 64 bytes in base64") as refused:
            WebhookService(server.url, secret).post(notification())
        assert (server.received, server.refused) == ([], [])
    assert secret.removeprefix("whsec_")[:8] not in str(refused.value) or secret == "whsec_"


@pytest.mark.parametrize("answer", ["no_service", "invalid_token"])
def test_a_webhook_of_slack_that_is_switched_off_can_be_put_right(answer: str) -> None:
    with (
        receiving_server(judge_slack, taken=(404, answer)) as server,
        pytest.raises(ServiceUnavailableError, match="write the URL of a webhook"),
    ):
        SlackWebhookService(server.url).post(notification())
