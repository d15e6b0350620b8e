"""An instance as the repository configures it, and a Slack to notify."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.mail_servers import (
    Servers,
    mail_servers,
    send_e_mail_to,
)

from orchestration_platform.alerts.facts.timing import Clock, Timing
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from orchestration_platform.alerts.run_pass import run_pass
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from orchestration_platform.alerts.stages import Pass
from sandboxes.certificates import write_certificate
from sandboxes.slack.server import (
    TOKEN,
    SlackServer,
    slack_server,
)
from sandboxes.smtp import Mailbox
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.secrets import SecretsResource

Watch = Callable[..., Pass]


class WaitedClock(Clock):
    """Counts the waits, and a little for each look, so that a busy machine cuts no pass short."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 0.001
        return self._now

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self._now += seconds


# Waits as short as a test can bear.
QUICK = Timing(
    pace=0.0, quiet=0.0, claim=2.0, longest_pause=0.2, heartbeat=0.5, clock=WaitedClock()
)


def send_all(watch: Watch, policies: list[Policy] | None = None, *, seconds: float = 0.5) -> None:
    """Passes, of at most so many seconds of sending each, until nothing waits."""
    until = time.monotonic() + PATIENCE_SECONDS
    while watch(policies, seconds=seconds).outbox.waiting:
        assert time.monotonic() < until


@pytest.fixture
def slack() -> Iterator[SlackServer]:
    # the pace is tested where it is the subject
    with slack_server(seconds_between_messages=0.0) as server:
        yield server


@pytest.fixture
def memory() -> Memory:
    """What the process keeps from one pass to the next, in this test."""
    return Memory()


@pytest.fixture
def services(slack: SlackServer, memory: Memory, monkeypatch: pytest.MonkeyPatch) -> Services:
    """The services, of which the Slack one is the stand-in and has a token."""
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    return replace(services_with(slack.url), assets=memory.assets)


def services_with(slack_url: str, timeout_seconds: float = 2.0) -> Services:
    api = SlackWebApi(api_url=slack_url, timeout_seconds=timeout_seconds)
    return Services(SecretsResource(location="orchestration_platform"), api)


@pytest.fixture(scope="session")
def first_policy() -> list[Policy]:
    """The first of the repository's policies; a pass reads none, and to read them takes 0.1 s."""
    return load_policies()[:1]


@pytest.fixture
def watch(
    instance: dg.DagsterInstance,
    services: Services,
    memory: Memory,
    first_policy: list[Policy],
) -> Watch:
    """A pass over the instance; the first one, which only takes note, is done."""

    def run(policies: list[Policy] | None = None, seconds: float = 3.0, **waits: float) -> Pass:
        return run_pass(
            instance,
            policies=policies or first_policy,
            services=services,
            memory=memory,
            timing=replace(QUICK, sending=seconds, **waits),
        )

    run()
    return run


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def servers(
    mailbox: Mailbox, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Servers]:
    """Starts mail servers that the process trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_servers(mailbox, certificate) as start:
        yield start


@pytest.fixture
def mail_server(servers: Servers, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that the alerts hand in their e-mail to."""
    send_e_mail_to(servers(), monkeypatch)
