"""People are reminded of an incident that continues, until somebody acknowledges it."""

import dagster as dg
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import pass_time

from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import SlackServer


def reminding(minutes: float) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["DAEMON_HEARTBEAT_MISSING"],
        "notification_service": {"slack": {}},
        "policy_options": {"renotify_interval_minutes": minutes},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


@on_both_databases
def test_each_time_that_it_is_due_until_somebody_takes_it_on(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = reminding(30)
    # no daemon is at work in this instance
    watch(reported)
    heads = list(slack.heads)
    assert len(heads) > 1
    assert slack.messages == heads
    heads[0].reactions.append("eyes")
    for times in (1, 2):
        assert pass_time(instance) == len(heads) - (times > 1)
        watch(reported)
        threads = [[entry.text for entry in slack.thread(head)] for head in heads]
        assert threads[0] == []
        assert [len(thread) for thread in threads[1:]] == [times] * (len(heads) - 1)
        assert all("This has continued for" in thread[-1] for thread in threads[1:])
    assert slack.heads == heads
    assert all(entry.is_broadcast for head in heads for entry in slack.thread(head))
    assert "*Acknowledged by:* <@U0>" in heads[0].shown
    assert not any("*Escalated:*" in head.shown for head in heads)


def test_not_before_it_is_due(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = reminding(30)
    for _ in range(3):
        watch(reported)
    assert slack.messages == slack.heads


def test_eyes_on_the_line_that_the_channel_sees_end_it_too(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = reminding(30)
    watch(reported)
    pass_time(instance)
    watch(reported)
    head = slack.heads[0]
    [line] = slack.thread(head)
    line.reactions.append("eyes")
    pass_time(instance)
    watch(reported)
    assert slack.thread(head) == [line]
    assert "*Acknowledged by:* <@U0>" in head.shown


@on_both_databases
def test_they_do_not_pile_up_while_slack_is_away(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    reported = reminding(30)
    slack.faults.extend([500] * 300)
    for _ in range(5):
        watch(reported, seconds=0.05)
        pass_time(instance)
    assert slack.messages == []
    slack.faults.clear()
    send_all(watch, reported)
    assert slack.messages == slack.heads
