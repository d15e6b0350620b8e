"""Each service receives what it can show, even while another one fails."""

import base64
import logging
import time
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.policies.policy import Policy, load_policies
from orchestration_platform.alerts.policies.services import NotificationService
from orchestration_platform.alerts.services.protocol.destination import Destination
from sandboxes.slack.server import SlackServer
from sandboxes.webhooks import (
    ReceivingServer,
    receiving_server,
)

HOOK = "orchestration_platform/hook"
TEAMS = "orchestration_platform/teams"


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[ReceivingServer]:
    """What Teams and a webhook are sent, in one place."""
    secret = "whsec_" + base64.b64encode(b"stand-in signing secret, 32 byte").decode()
    with receiving_server(lambda _headers, _body: None) as server:
        monkeypatch.setenv("ORCHESTRATION_PLATFORM_HOOK__URL", server.url)
        monkeypatch.setenv("ORCHESTRATION_PLATFORM_HOOK__SIGNING_SECRET", secret)
        monkeypatch.setenv("ORCHESTRATION_PLATFORM_TEAMS__WEBHOOK_URL", server.url)
        yield server


def policies_to(*destinations: Destination) -> list[Policy]:
    [policy, *_] = [p for p in load_policies() if p.name == "slack_on_run_failure"]
    return [
        policy.model_copy(
            update={
                "name": f"policy {number}",
                "notification_service": NotificationService.from_destination(destination),
            }
        )
        for number, destination in enumerate(destinations)
    ]


def outcomes(instance: dg.DagsterInstance) -> dict[str, list[tuple[str, str]]]:
    """By destination: kind and state of each message, the first first."""
    with Database(database_url(instance)).transaction() as connection:
        rows = listed_messages(connection, limit=100)
    found: dict[str, list[tuple[str, str]]] = {}
    for row in reversed(rows):
        found.setdefault(row["destination"], []).append((row["kind"], row["state"]))
    return found


def test_a_service_without_threads_or_updates_hears_of_the_beginning_and_of_the_end(
    instance: dg.DagsterInstance, watch: Watch, receiver: ReceivingServer
) -> None:
    policies = policies_to(Destination("microsoft_teams", TEAMS))
    for _ in range(3):
        say(instance, "bad")
        watch(policies)
    say(instance, None)
    watch(policies)

    first, last = [found.body.decode() for found in receiver.received]
    assert "ValueError: bad" in first
    assert "Recovered after" in last
    assert outcomes(instance) == {
        f"microsoft_teams:{TEAMS}": [
            ("head", "delivered"), ("entry", "suppressed"), ("entry", "delivered"),
        ]
    }  # fmt: skip


def test_a_service_in_trouble_keeps_no_other_waiting(
    instance: dg.DagsterInstance, watch: Watch, receiver: ReceivingServer, slack: SlackServer
) -> None:
    receiver.faults.extend([503] * 50)
    policies = policies_to(
        Destination("webhook", HOOK), Destination("slack", "#notes"), Destination("log")
    )
    fail(instance)
    done = watch(policies, seconds=1.0)
    assert [head.channel for head in slack.heads] == ["notes"]
    assert outcomes(instance)["log"][0] == ("head", "delivered")
    assert done.outbox.waiting == 1
    assert "answered 503" in done.outbox.reasons[f"webhook:{HOOK}"]
    receiver.faults.clear()
    watch(policies)
    assert [found.json["type"] for found in receiver.received] == ["dagster.alert.opened"]


def test_an_email_that_may_have_arrived_is_sent_again_under_the_same_id(
    instance: dg.DagsterInstance, watch: Watch, receiver: ReceivingServer
) -> None:
    receiver.faults.append("accept_and_drop")
    fail(instance)
    policies = policies_to(Destination("webhook", HOOK))
    watch(policies)
    watch(policies)
    assert len(receiver.received) == 2
    assert len({found.headers["webhook-id"] for found in receiver.received}) == 1


def test_a_refused_message_is_sent_as_a_line_and_then_given_up(
    instance: dg.DagsterInstance, watch: Watch, receiver: ReceivingServer
) -> None:
    policies = policies_to(Destination("webhook", HOOK))
    receiver.faults.append(400)
    fail(instance)
    watch(policies)
    assert receiver.received[0].json["data"].keys() == {"incident", "summary"}
    receiver.faults.extend([400, 400])
    fail(instance, other_job)
    assert watch(policies).outbox.failed == 1


def test_without_a_token_a_laptop_shows_alerts_in_the_log_with_the_reason(
    instance: dg.DagsterInstance,
    watch: Watch,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN")
    fail(instance)
    with caplog.at_level(logging.ERROR, "orchestration_platform.alerts"):
        done = watch()
    assert "Dagster Ci Run Failure" in caplog.text
    assert "ValueError: row 17 of 2,000 is bad" in caplog.text
    assert "ORCHESTRATION_PLATFORM_SLACK__<KEY>" in str(done)
    assert (done.outbox.waiting, slack.messages) == (0, [])


def test_a_log_that_was_the_first_place_does_not_keep_a_message_from_slack(
    instance: dg.DagsterInstance,
    watch: Watch,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with monkeypatch.context() as without:
        without.delenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN")
        fail(instance)
        watch()
    fail(instance)
    watch()
    assert ["failed 2 times" in head.shown for head in slack.heads] == [True]


def test_in_production_a_message_waits_for_its_token(
    instance: dg.DagsterInstance,
    watch: Watch,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from orchestration_platform.alerts.delivery.sender import Sender
    from orchestration_platform.alerts.services.registry import Services
    from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
    from shared_lib.secrets import Secret, SecretNotFoundError

    class Nothing:
        def get(self, path: str) -> Secret:
            raise SecretNotFoundError(f"nothing is stored at {path}")

    fail(instance)
    watch(seconds=0.0)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    services = Services(Nothing(), SlackWebApi(api_url=slack.url))
    destination = Destination("slack", "#notifications-data-platform-ci")
    assert "nothing is stored at" in services.problems_of([destination])[0]
    database = Database(database_url(instance))
    sender = Sender(database, services, environment="production", ui_url="")
    sender.send_due(until=time.monotonic() + 0.3)
    assert [state for _, state in outcomes(instance)[str(destination)]] == ["waiting"] * 2


def test_an_unexpected_error_stops_only_one_message(
    instance: dg.DagsterInstance, watch: Watch, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration_platform.alerts.services.slack import service as slack_service

    original = slack_service.head_content

    def fails_for_one(message: object, **named: object) -> object:
        if "other_job" in str(message):
            raise RecursionError("too deep")
        return original(message, **named)

    monkeypatch.setattr(slack_service, "head_content", fails_for_one)
    fail(instance, other_job)
    fail(instance)
    watch()
    plain, full = sorted(slack.heads, key=lambda head: len(head.blocks))
    assert "other_job" in plain.text
    assert "plain_job" in full.shown


def test_secrets_reach_no_service(
    instance: dg.DagsterInstance,
    watch: Watch,
    receiver: ReceivingServer,
    slack: SlackServer,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    from shared_lib.secrets import know

    canary = "canary-7391-of-the-outbox"
    say(instance, f"login with {canary} failed")
    policies = policies_to(
        Destination("slack", "#notes"),
        Destination("microsoft_teams", TEAMS),
        Destination("webhook", HOOK),
        Destination("log"),
    )
    # collected before anybody knew that it is a secret
    watch(policies, seconds=0.0)
    know(canary, name="shop/api password")
    with caplog.at_level(logging.INFO):
        watch(policies)
    reported = [message.shown for message in slack.messages]
    reported += [found.body.decode() for found in receiver.received]
    reported.append(caplog.text)
    assert len(receiver.received) == 2
    assert all(canary not in text for text in reported)
    assert all(
        "secret shop/api password" in text.replace("\\\\", "")
        for text in reported
        if "login" in text
    )


def test_the_reason_why_messages_wait_is_reported_once(
    instance: dg.DagsterInstance, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key, value in {"HOST": "127.0.0.1", "SENDER": "a@example.com", "SECURITY": "none"}.items():
        monkeypatch.setenv(f"ORCHESTRATION_PLATFORM_SMTP__{key}", value)
    [policy] = policies_to(Destination("email", "ops@example.com"))
    options = {"escalate_after": "1h", "escalation_service": policy.notification_service}
    options = policy.policy_options.model_copy(update=options)
    fail(instance)
    summary = str(watch([policy.model_copy(update={"policy_options": options})]))
    assert summary.count("security of orchestration_platform/smtp is not allowed") == 1
