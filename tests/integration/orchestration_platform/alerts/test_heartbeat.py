"""A heartbeat after each pass, which delays and breaks nothing in any case."""

import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import QUICK, Watch
from tests.support.failing_jobs import fail

from orchestration_platform.alerts.delivery import heartbeat
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.sources.collect import Collector
from sandboxes.serving import Handler, serving
from sandboxes.slack.server import TOKEN, SlackServer

# Longer than a sign of life may take, and than a pass takes that waits for none.
_DRIBBLES_SECONDS = 30.0
_LATE_SECONDS = 30.0
_ROUND_A_PASS_SECONDS = 10.0


@pytest.fixture
def pinged(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The paths for which a dead man's switch was asked."""
    paths: list[str] = []

    class Switch(Handler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.respond(500 if "broken" in self.path else 200)

    with serving(Switch) as url:
        monkeypatch.setenv(heartbeat.URL_VARIABLE, f"{url}/beat")
        yield paths


def test_each_completed_pass_sends_a_heartbeat_and_no_other_does(
    pinged: list[str],
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pinged.clear()
    watch()
    assert pinged == ["/beat"]

    def find_trouble(collector: Collector, **_named: float) -> int:
        collector.errors.append(OSError("the log cannot be read"))
        return 0

    monkeypatch.setattr(Collector, "collect", find_trouble)
    with pytest.raises(ExceptionGroup):
        watch()
    assert pinged == ["/beat"]


def test_the_address_may_be_a_secret(
    pinged: list[str],
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ALERTS_SWITCH__URL", os.environ[heartbeat.URL_VARIABLE] + "/secret")
    monkeypatch.setenv(heartbeat.SECRET_VARIABLE, "alerts/switch")
    assert "are both set: unset one" in str(watch())
    monkeypatch.delenv(heartbeat.URL_VARIABLE)
    pinged.clear()
    assert "heartbeat" not in str(watch())
    assert pinged == ["/beat/secret"]


def test_a_heartbeat_that_cannot_be_sent_is_reported_and_takes_two_seconds_at_most(
    pinged: list[str],
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(heartbeat.URL_VARIABLE, os.environ[heartbeat.URL_VARIABLE] + "/broken")
    assert "no heartbeat was sent: the answer was 500" in str(watch())
    assert pinged
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setenv(heartbeat.URL_VARIABLE, f"http://127.0.0.1:{port}/canary-beat")
    summary = str(watch())
    assert "no answer: ConnectionError (check what ALERTS_HEARTBEAT_URL names)" in summary
    assert "canary" not in summary
    monkeypatch.setenv(heartbeat.URL_VARIABLE, "http://example.com/canary-beat")
    assert "ALERTS_HEARTBEAT_URL is not an https address" in str(watch())
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/canary-beat"
        monkeypatch.setenv(heartbeat.URL_VARIABLE, address)
        fail(instance)
        watch(seconds=0.5)
        began = time.monotonic()
        summary = str(watch())
        assert time.monotonic() - began < QUICK.heartbeat + _ROUND_A_PASS_SECONDS
    assert "no heartbeat was sent" in summary
    assert "canary" not in summary
    assert len(slack.heads) == 1


@dataclass
class Dribbler:
    """Sends a header byte by byte, so that no wait for a byte takes long, and then comes to an end.

    Attributes:
        url: its own.
        lasts_seconds: how long each answer takes.
        connections: how many there were.
    """

    url: str = ""
    lasts_seconds: float = _DRIBBLES_SECONDS
    connections: list[socket.socket] = field(default_factory=list)
    closing: threading.Event = field(default_factory=threading.Event)

    def serve(self, listening: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                self.connections.append(connection)
                threading.Thread(target=self._dribble, args=(connection,), daemon=True).start()

    def _dribble(self, connection: socket.socket) -> None:
        until = time.monotonic() + self.lasts_seconds
        with suppress(OSError), connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while time.monotonic() < until and not self.closing.wait(0.05):
                connection.sendall(b"a")
            connection.sendall(b"\r\nContent-Length: 0\r\n\r\n")


@pytest.fixture
def dribbler() -> Iterator[Dribbler]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        found = Dribbler(f"http://127.0.0.1:{listening.getsockname()[1]}/canary-beat")
        threading.Thread(target=found.serve, args=(listening,), daemon=True).start()
        yield found
        found.closing.set()
        listening.shutdown(socket.SHUT_RDWR)
    _no_thread_is_left()


def _no_thread_is_left() -> None:
    for thread in threading.enumerate():
        if thread.name == "alerts heartbeat":
            thread.join(_LATE_SECONDS + 3)
            assert not thread.is_alive()


def test_an_answer_that_dribbles_keeps_a_pass_for_two_seconds_and_no_longer(
    dribbler: Dribbler,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    fail(instance)
    monkeypatch.setenv(heartbeat.URL_VARIABLE, dribbler.url)
    began = time.monotonic()
    summary = str(watch(seconds=0.5))
    assert time.monotonic() - began < QUICK.heartbeat + _ROUND_A_PASS_SECONDS
    assert "no heartbeat was sent: it took more than 0.5 s" in summary
    assert "canary" not in summary
    assert len(dribbler.connections) == 1
    assert [len(slack.thread(head)) for head in slack.heads] == [1]


def test_answers_that_never_come_to_an_end_do_not_pile_up(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = threading.Event()
    requested: list[str] = []

    def hang(address: str, seconds: float) -> str:
        requested.append(address)
        ending.wait()
        return ""

    monkeypatch.setenv(heartbeat.URL_VARIABLE, "http://127.0.0.1/canary-beat")
    monkeypatch.setattr(heartbeat, "_request", hang)
    for _ in range(heartbeat.MOST_HANGING):
        summary = heartbeat.send_heartbeat(services.secrets, seconds=0.1)
        assert summary.startswith("no heartbeat was sent: it took more than 0.1 s")
    summary = heartbeat.send_heartbeat(services.secrets, seconds=0.1)
    assert summary.startswith("no heartbeat was sent: 3 earlier ones have not ended")
    ending.set()
    _no_thread_is_left()
    assert len(requested) == heartbeat.MOST_HANGING
    assert heartbeat.send_heartbeat(services.secrets) == ""


@pytest.fixture
def slow_vault(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A Vault that has the bot's token at once, and late the address of the sign of life."""
    secrets = {
        "/v1/secret/data/orchestration_platform/slack": {"token": TOKEN},
        "/v1/secret/data/alerts/switch": {"url": "https://example.com/canary-beat"},
    }
    closing = threading.Event()

    class Vault(Handler):
        def do_GET(self) -> None:
            if "switch" in self.path:
                closing.wait(_LATE_SECONDS)
            found = secrets.get(self.path)
            # what else is asked is about the token and the engine
            engine = {"ttl": 3600, "type": "kv", "path": "secret/", "options": {"version": "2"}}
            data: Any = {"data": found, "metadata": {"version": 1}} if found else engine
            content = json.dumps({"data": data}).encode()
            self.respond(404 if closing.is_set() else 200, content)

    with serving(Vault) as url:
        monkeypatch.setenv("SECRETS_BACKEND", "vault")
        monkeypatch.setenv("VAULT_ADDR", url)
        monkeypatch.setenv("VAULT_AUTH_METHOD", "token")
        monkeypatch.setenv("VAULT_TOKEN", "stand-in-vault-token")
        yield
        closing.set()
    _no_thread_is_left()


@pytest.mark.usefixtures("slow_vault")
def test_a_slow_vault_delays_no_pass_and_no_alert(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(heartbeat.SECRET_VARIABLE, "alerts/switch")
    fail(instance)
    for _ in range(2):
        # the second one begins while the first one's sign of life is still waited for
        began = time.monotonic()
        summary = str(watch(seconds=0.5))
        assert time.monotonic() - began < QUICK.heartbeat + _ROUND_A_PASS_SECONDS
        assert "no heartbeat was sent: it took more than 0.5 s" in summary
        assert [len(slack.thread(head)) for head in slack.heads] == [1]
