"""Unacknowledged incidents are escalated through services other than Slack."""

from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    pass_time,
    policies,
)
from tests.integration.orchestration_platform.alerts.services.test_service_http import (
    ROUTING_KEY,
    server,
)
from tests.support.failing_jobs import say

from sandboxes.slack.server import SlackServer
from sandboxes.smtp import Mailbox, text_of
from sandboxes.webhooks import ReceivingServer

__all__ = ["server"]


@pytest.fixture
def name() -> str:
    return "pagerduty"


def escalated_to(**service: Any) -> list[Any]:
    return policies(escalation_service=service, escalation_owners=[], escalate_again_after=None)


def test_pagerduty_is_triggered_when_it_is_due_and_resolved_when_it_is_over(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    server: ReceivingServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_PAGER__INTEGRATION_KEY", ROUTING_KEY)
    reported = escalated_to(pagerduty={"integration_key": "orchestration_platform/pager"})
    say(instance, "the census is bad")
    watch(reported)
    assert server.received == []
    assert pass_time(instance) == 1
    watch(reported)
    say(instance, None)
    watch(reported)
    trigger, resolve = [found.json for found in server.received]
    assert (trigger["event_action"], resolve["event_action"]) == ("trigger", "resolve")
    assert trigger["dedup_key"] == resolve["dedup_key"]
    assert "the census is bad" in str(trigger["payload"]["custom_details"])
    assert len(slack.heads) == 1


@pytest.mark.usefixtures("mail_server")
def test_an_escalation_by_e_mail_goes_to_the_named_addresses(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    mailbox: Mailbox,
    watch: Watch,
) -> None:
    reported = escalated_to(email={"email_addresses": ["ada@example.com"]})
    say(instance, "the census is bad")
    watch(reported)
    assert mailbox.emails == []
    assert pass_time(instance) == 1
    watch(reported)
    [sent] = mailbox.emails
    assert mailbox.recipients == [["ada@example.com"]]
    assert "the census is bad" in text_of(sent, "plain")
    # both are hidden where they are shown, and neither keeps people from the run
    assert "http://127.0.0.1:3000/runs/" in text_of(sent, "plain")
    [head] = slack.heads
    assert head.blocks[-1]["elements"][0]["url"].startswith("http://127.0.0.1:3000/runs/")
