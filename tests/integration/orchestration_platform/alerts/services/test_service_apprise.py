"""Apprise's own JSON and form notifications, sent to a local server."""

import json
import logging
from collections.abc import Iterator, Mapping
from urllib.parse import parse_qs

import pytest
from tests.integration.orchestration_platform.alerts.notifications import added, notification

from orchestration_platform.alerts.services.apprise.configuration import Apprise
from orchestration_platform.alerts.services.apprise.service import AppriseService
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    MessageRefusedError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from sandboxes.serving import nobody_listening
from sandboxes.webhooks import ReceivingServer, receiving_server
from shared_lib.secrets import SecretsResource

# parts of a URL that must not be shown
PARTS = ("ada", "pa55word", "t0ken-of-the-path")


def accept(_headers: Mapping[str, str], _body: bytes) -> str | None:
    return None


def url_of(server: str, schema: str = "json") -> str:
    user, password, token = PARTS
    return server.replace("http://", f"{schema}://{user}:{password}@", 1) + f"/{token}"


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """What Apprise writes to the log of the process, which may hold parts of a URL."""
    found: list[str] = []

    class Kept(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.name.startswith("apprise"):
                found.append(record.getMessage())

    handler, root = Kept(logging.DEBUG), logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield found
    root.removeHandler(handler)
    root.setLevel(level)


def test_a_message_and_its_entries_arrive_as_text() -> None:
    with receiving_server(accept) as server:
        service = AppriseService.of(url_of(server.url))
        service.post(notification())
        service.post(added("recovery", recovered_at=1_000_300.0))
        service.post(notification(recovered_at=1_000_300.0))
    opened, entry, over = [json.loads(body) for body in bodies(server)]
    assert opened["title"] == notification().message.title
    assert "it is bad" in opened["message"]
    assert "https://dagster.example.com/runs/run-0" in opened["message"]
    assert "Recovered after 5 min" in entry["message"]
    # there is no thread, so it says what it belongs to
    assert notification().message.subject in entry["message"]
    assert [one["type"] for one in (opened, over)] == ["failure", "success"]


def test_another_of_its_services_gets_the_same() -> None:
    with receiving_server(accept) as server:
        AppriseService.of(url_of(server.url, "form")).post(notification())
    [body] = bodies(server)
    found = parse_qs(body.decode())
    assert found["title"] == [notification().message.title]


def test_a_long_message_is_cut_to_what_the_service_takes() -> None:
    with receiving_server(accept) as server:
        service = AppriseService.of(url_of(server.url))
        service.plugin.body_maxlen = 300
        service.post(notification(message="x" * 5000))
    [body] = bodies(server)
    shown = json.loads(body)["message"]
    assert len(shown) <= 300
    assert shown.endswith("…")


@pytest.mark.parametrize(
    ("status", "kind", "is_unsure"),
    [
        (400, MessageRefusedError, None),
        (401, ServiceUnavailableError, False),
        (429, ServiceUnavailableError, False),
        (500, ServiceUnavailableError, True),
    ],
)
def test_what_the_service_answers_decides_what_becomes_of_the_message(
    status: int, kind: type[Exception], is_unsure: object, logged: list[str]
) -> None:
    with receiving_server(accept) as server:
        server.faults.append(status)
        service = AppriseService.of(url_of(server.url))
        with pytest.raises(kind) as refused:
            service.post(notification())
    assert getattr(refused.value, "is_unsure", None) is is_unsure
    for part in PARTS:
        assert part not in f"{refused.value} {service}"
    assert logged == []


def test_a_server_that_is_not_there_may_have_the_message() -> None:
    with nobody_listening() as server:
        service = AppriseService.of(url_of(server))
        with pytest.raises(ServiceUnavailableError) as refused:
            service.post(notification())
    assert refused.value.is_unsure
    assert str(refused.value) == "json did not answer"


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("nosuch://pa55word", "is not a URL of Apprise"),
        ("pa55word", "is not a URL of Apprise"),
        ("json://ada:pa55word@hooks.example.com/x", "begins with json:, which is not encrypted"),
        ("mailto://ada:pa55word@example.com", "begins with mailto:, which is not encrypted"),
    ],
)
def test_a_url_that_cannot_be_used_is_reported_without_its_parts(
    url: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHOP_CHAT__APPRISE_URL", url)
    services = Services(SecretsResource(location="shop"), SlackWebApi())
    [found] = services.problems_of([Destination("apprise", "shop/chat")])
    assert problem in found
    assert not any(part in found for part in PARTS)


@pytest.mark.parametrize(
    "url",
    ["jsons://ada:pa55word@hooks.example.com/x", "discord://4174216298/JHMHI8qBe7bk2ZwO5U711o3dV_js",
     "json://127.0.0.1:1/x", "ntfy://topic"],
)  # fmt: skip
def test_urls_that_send_encrypted_or_within_this_machine_are_used(url: str) -> None:
    assert AppriseService.of(url).schema == url.partition(":")[0]


def test_its_address_is_the_path_of_the_secret() -> None:
    found = Apprise(apprise_url="shop/chat")
    assert found.address() == "shop/chat"
    assert not found.capabilities.can_acknowledge


def bodies(server: ReceivingServer) -> list[bytes]:
    return [one.body for one in server.received]
