"""People send a test message of a policy through its real service."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import (
    asked,
    refused,
)
from tests.integration.orchestration_platform.alerts.services.test_service_http import (
    ROUTING_KEY,
    judge_pagerduty,
)

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.policies import policy
from orchestration_platform.alerts.services.pagerduty.service import API_VARIABLE
from sandboxes.certificates import server_context
from sandboxes.slack.server import SlackServer
from sandboxes.smtp import Mailbox
from sandboxes.webhooks import receiving_server

WHY = ("--reason", "the channel is new", "--by", "ada")
SHIPPED = "slack_on_run_failure"


def use(monkeypatch: pytest.MonkeyPatch, service: Mapping[str, Any]) -> None:
    """The file has one policy, p, with this service."""
    document = {
        "name": "p",
        "enabled": False,
        "event_types": ["JOB_FAILURE"],
        "notification_service": service,
        "policy_options": {"escalate_after": "1s", "escalation_service": {"log": {}}},
    }
    file = policy.AlertPolicies.model_validate({"alert_policies": [document]})
    monkeypatch.setattr(policy, "load_file", lambda *_path: file)


def not_delivered(capsys: pytest.CaptureFixture[str], name: str) -> str:
    capsys.readouterr()
    assert main(["test", name, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert not found["is_delivered"]
    return found["problem"]


def test_slack_shows_a_test_that_leaves_no_incident(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    found = asked(capsys, "test", SHIPPED, *WHY)
    [message] = slack.messages
    assert (found["is_delivered"], found["reference"]) == (True, message.ts)
    assert found["place"] == "CNOTIFICATIONSDATAPLATFORMCI"
    assert "TEST" in message.text
    assert "Nothing has happened" in message.shown
    assert "ada: the channel is new" in message.shown
    watch()
    assert len(slack.messages) == 1
    assert asked(capsys, "incidents", "--all") == []

    capsys.readouterr()
    assert main(["test", SHIPPED]) == 0
    assert "delivered to slack:#notifications-data-platform-ci, place CNOT" in (
        capsys.readouterr().out
    )


def test_the_reason_is_shown_why_a_test_does_not_arrive(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    slack.archived.add("notifications-data-platform-ci")
    assert "is_archived" in not_delivered(capsys, SHIPPED)
    monkeypatch.delenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN")
    assert "written to the log" in not_delivered(capsys, SHIPPED)
    assert refused(capsys, "test", "slack_on_run_failur").startswith(
        "there is no policy slack_on_run_failur, did you mean slack_on_run_failure"
    )


def test_an_incident_of_pagerduty_is_resolved_at_once(
    instance: dg.DagsterInstance,
    watch: Watch,
    certificate: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    use(monkeypatch, {"pagerduty": {"integration_key": "shop/pagerduty"}})
    monkeypatch.setenv("SHOP_PAGERDUTY__INTEGRATION_KEY", ROUTING_KEY)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    taken = (202, json.dumps({"status": "success", "dedup_key": "k1"}))
    tls = server_context(certificate)
    with receiving_server(judge_pagerduty, taken=taken, tls=tls) as server:
        monkeypatch.setenv(API_VARIABLE, server.url)
        assert asked(capsys, "test", "p", *WHY)["problem"] == ""
        events = [json.loads(one.body) for one in server.received]
    assert [event["event_action"] for event in events] == ["trigger", "resolve"]
    assert len({event["dedup_key"] for event in events}) == 1
    assert events[0]["payload"]["severity"] == "info"


@pytest.mark.usefixtures("mail_server")
def test_an_e_mail_goes_to_each_recipient(
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ada, bo = "ada@example.com", "bo@example.com"
    use(monkeypatch, {"email": {"email_addresses": [ada, bo]}})
    assert asked(capsys, "test", "p", *WHY)["note"] == f"{ada}, {bo}"
    assert mailbox.recipients == [[ada], [bo]]
