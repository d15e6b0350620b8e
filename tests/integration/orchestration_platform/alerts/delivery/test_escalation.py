"""Unacknowledged incidents are escalated to others until somebody acknowledges them."""

import time
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.delivery.escalation import Escalation
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.services.registry import Services
from sandboxes.slack.server import Message, SlackServer

ONCALL = "oncall"


def policies(**options: Any) -> list[Policy]:
    service = {
        "slack_channel_name": ONCALL,
        "owner_mentions": {"team:platform": "S0123456"},
    }
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {}},
        "policy_options": {
            "escalate_after": "30min",
            "escalate_again_after": "1h",
            "escalation_service": {"slack": service},
            "escalation_owners": ["team:platform"],
            **options,
        },
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


def pass_time(instance: dg.DagsterInstance) -> int:
    """Makes what is to be escalated later due; returns how many incidents that are."""
    due = sa.update(INCIDENTS).where(INCIDENTS.c.escalates_at > time.time())
    with Database(database_url(instance)).transaction() as connection:
        return connection.execute(due.values(escalates_at=time.time() - 1)).rowcount


def escalated(slack: SlackServer) -> list[Message]:
    return [head for head in slack.heads if head.channel == ONCALL]


@on_both_databases
def test_an_unacknowledged_message_is_escalated_again_until_it_recovers(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    assert slack.calls["reactions.get"] == 0
    assert escalated(slack) == []

    assert pass_time(instance) == 1
    assert watch(policies()).escalated == 1
    [head] = escalated(slack)
    assert "the census is bad" in head.shown
    assert "<!subteam^S0123456>" in head.shown
    assert slack.calls["reactions.get"] == 1
    assert watch(policies()).escalated == 0
    assert slack.calls["reactions.get"] == 1

    pass_time(instance)
    watch(policies())
    [again] = slack.thread(head)
    assert "<!subteam^S0123456> Nobody has acknowledged this for" in again.text
    assert again.is_broadcast
    assert escalated(slack) == [head]

    say(instance, None)
    watch(policies())
    assert pass_time(instance) == 0
    assert "(recovered)" in head.shown
    assert "Recovered" in slack.thread(head)[-1].text


def test_eyes_are_seen_soon_whether_or_not_anything_escalates(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    for text in ("the census is bad", "the file is late"):
        say(instance, text)
    watch()
    [first, other] = slack.heads
    watch()
    assert slack.calls["reactions.get"] == 2
    first.reactions.append("eyes")
    watch()
    assert slack.calls["reactions.get"] == 2, "not in every pass"
    watch(between_asks=0.0)
    assert slack.calls["reactions.get"] == 4
    assert "Acknowledged by:* <@U0>" in first.shown
    assert "Acknowledged" not in other.shown
    watch(between_asks=0.0)
    assert slack.calls["reactions.get"] == 5, "of the one that nobody has"


def test_eyes_end_an_escalation_that_is_not_due_yet(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    slack.heads[0].reactions.append("eyes")
    watch(policies(), between_asks=0.0)
    assert pass_time(instance) == 0


def test_without_the_scope_slack_is_asked_about_one_message_only(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    for text in ("the census is bad", "the file is late"):
        say(instance, text)
    watch()
    slack.may_read = False
    assert "reactions" in str(watch())
    watch()
    assert slack.calls["reactions.get"] == 1


@on_both_databases
def test_nobody_is_called_when_it_is_over_before_that_could_be_sent(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    pass_time(instance)
    watch(policies())
    slack.faults.extend([500] * 300)
    for _ in range(3):
        pass_time(instance)
        watch(policies(), seconds=0.05)
    say(instance, None)
    watch(policies(), seconds=0.05)
    slack.faults.clear()
    send_all(watch, policies())
    [head] = escalated(slack)
    assert [entry.text.split()[0] for entry in slack.thread(head)] == ["Recovered"]


@pytest.mark.parametrize("where", ["the first message", "the escalation"])
def test_eyes_on_a_message_end_the_escalation_and_name_the_person(
    where: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance)
    watch(policies())
    [first] = slack.heads
    if where == "the escalation":
        pass_time(instance)
        watch(policies())
        escalated(slack)[0].reactions.append("eyes")
    else:
        first.reactions.append("eyes")
    pass_time(instance)
    assert watch(policies()).escalated == 0
    assert pass_time(instance) == 0
    assert "*Acknowledged by:* <@U0>" in first.shown
    reported = [entry for head in escalated(slack) for entry in slack.thread(head)]
    assert not any(entry.is_broadcast for entry in reported)
    assert [entry.text for entry in reported] == ["Acknowledged by <@U0>"] * len(escalated(slack))


def test_in_the_same_channel_the_thread_calls_people(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    service = {"slack": {"owner_mentions": {"team:platform": "S0123456"}}}
    here = policies(escalation_service=service, escalate_again_after=None)
    fail(instance)
    watch(here)
    pass_time(instance)
    watch(here)
    [head] = slack.heads
    assert "<!subteam^S0123456> Nobody has" in slack.thread(head)[-1].text
    assert "*Escalated:*" in head.shown
    assert pass_time(instance) == 0


def test_without_an_answer_people_are_called_later_and_where_nobody_may_look_at_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, services: Services
) -> None:
    fail(instance)
    watch(policies())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", "xoxb-of-before")
        pass_time(instance)
        done = watch(policies(), seconds=0.1)
        assert done.escalated == 0
        assert "invalid_auth" in str(done)
        assert watch(policies(), seconds=0.1, patience=0.0).escalated == 1
    slack.may_read = False
    pass_time(instance)
    done = watch(policies())
    assert done.escalated == 1
    assert "reactions" in str(done)


@on_both_databases
def test_a_pass_asks_a_bounded_number_of_times_and_the_next_ones_go_on(
    instance: dg.DagsterInstance,
    services: Services,
    slack: SlackServer,
    watch: Watch,
) -> None:
    for word in ("census", "payroll", "bands"):
        say(instance, f"the {word} is bad")
    watch(policies())
    pass_time(instance)
    due = Escalation(Database(database_url(instance)), services, policies(), "#alerts", most=2)
    assert [due.escalate_due() for _ in range(3)] == [2, 1, 0]
    assert slack.calls["reactions.get"] == 3


def days_go_by(instance: dg.DagsterInstance) -> None:
    """Move everything that was reported to a day and some seconds earlier."""
    day = 86410
    earlier = {name: INCIDENTS.c[name] - day for name in ("first_at", "last_at", "escalates_at")}
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(sa.update(INCIDENTS).values(earlier))


@on_both_databases
def test_one_failure_of_several_days_is_escalated_by_its_newest_message_alone(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    for _ in range(3):
        days_go_by(instance)
        fail(instance)
        watch(policies())
    assert len(slack.heads) - len(escalated(slack)) == 3
    before = len(escalated(slack))
    assert pass_time(instance) == 1
    assert watch(policies()).escalated == 1
    pass_time(instance)
    assert watch(policies()).escalated == 1
    assert len(escalated(slack)) == before + 1


def test_a_failure_of_every_day_is_escalated_when_its_first_message_would_have_been(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    patient = policies(escalate_after="36h")
    for _ in range(2):
        days_go_by(instance)
        fail(instance)
        assert watch(patient).escalated == 0
    with Database(database_url(instance)).transaction() as connection:
        found = connection.execute(sa.select(INCIDENTS.c.escalates_at).order_by(INCIDENTS.c.id))
        first, second = found.scalars()
    assert first is None
    assert second == pytest.approx(time.time() + 12 * 3600, abs=300)
