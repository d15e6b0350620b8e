"""Failures in quiet hours are reported at their end, unless they have recovered."""

import time
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import pass_time
from tests.support.failing_jobs import say

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import SlackServer

NO_WINDOW: list[dict[str, Any]] = []


def always(**window: Any) -> list[dict[str, Any]]:
    """A window for all of today; one for every day is refused."""
    today = datetime.now(UTC)
    return [{"cron": f"0 * {today.day} {today.month} *", "duration": "2h", **window}]


def policies(windows: list[dict[str, Any]], **options: Any) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {}},
        "policy_options": {"quiet_hours": windows, **options},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def end_the_window(instance: dg.DagsterInstance) -> None:
    with Database(database_url(instance)).transaction() as connection:
        held = MESSAGES.c.held_until > time.time()
        connection.execute(sa.update(MESSAGES).where(held).values(held_until=time.time() - 1))


def states(instance: dg.DagsterInstance) -> list[str]:
    with Database(database_url(instance)).transaction() as connection:
        return [row["state"] for row in listed_messages(connection, limit=20)]


@on_both_databases
def test_what_still_fails_when_the_window_ends_is_reported_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "the census is bad")
    done = watch(policies(always()))
    assert (done.outbox.waiting, done.outbox.held) == (0, 2)
    assert "2 held in quiet hours" in str(done)
    say(instance, "the census is bad")
    watch(policies(always()))
    assert slack.messages == []
    end_the_window(instance)
    for _ in range(2):
        watch(policies(NO_WINDOW))
    [head] = slack.heads
    assert "failed 2 times" in head.shown
    assert len(slack.thread(head)) == 1


@on_both_databases
@pytest.mark.parametrize("reported", ["summary", "nothing"])
def test_what_has_recovered_by_then_is_reported_in_one_message_or_not_at_all(
    reported: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    windows = always(recovered_meanwhile=reported)
    say(instance, "the census is bad")
    watch(policies(windows))
    say(instance, None)
    watch(policies(windows))
    assert slack.messages == []
    end_the_window(instance)
    watch(policies(NO_WINDOW))
    if reported == "nothing":
        assert slack.messages == []
        assert states(instance) == ["suppressed"] * 2
        return
    [head] = slack.heads
    assert "(recovered)" in head.shown
    assert [entry.blocks != [] for entry in slack.thread(head)] == [True]


def test_severe_failures_are_reported_in_quiet_hours_too(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "the census is bad")
    watch(policies(always(below_severity="error")))
    assert len(slack.heads) == 1


@on_both_databases
def test_a_recovery_and_an_escalation_wait_for_the_end_too(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    oncall = {"slack": {"slack_channel_name": "oncall"}}
    options = {"escalate_after": "30min", "escalation_service": oncall}
    say(instance, "the census is bad")
    watch(policies(NO_WINDOW, **options))
    [head] = slack.heads
    assert pass_time(instance) == 1
    assert watch(policies(always(), **options)).escalated == 0
    with Database(database_url(instance)).transaction() as connection:
        assert connection.execute(sa.select(INCIDENTS.c.escalates_at)).scalar_one() > time.time()
    say(instance, None)
    watch(policies(always(), **options))
    assert slack.heads == [head]
    # people who look see it, and nobody is called
    assert "(recovered)" in head.shown
    assert not any("Recovered" in entry.text for entry in slack.thread(head))
    end_the_window(instance)
    watch(policies(NO_WINDOW, **options))
    assert "Recovered" in slack.thread(head)[-1].text
