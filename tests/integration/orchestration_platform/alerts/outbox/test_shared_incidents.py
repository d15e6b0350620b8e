"""Two policies that lead to one place make one message for one incident."""

import signal
import time
from functools import partial
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import asked
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import pass_time
from tests.integration.orchestration_platform.alerts.delivery.test_quiet_hours import always
from tests.integration.orchestration_platform.alerts.dying import NO_OVERLAP, POINTS, nursery
from tests.integration.orchestration_platform.alerts.kills.test_kills import reported
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.control import muting
from orchestration_platform.alerts.control.person import Hand
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from sandboxes.slack.server import TOKEN, Message, SlackServer

ADA = Hand("ada", "we migrate")


def policy(name: str, *, calls: str = "", after: str = "30min", **changes: Any) -> dict[str, Any]:
    """The section of a policy, that escalates to the channel ``calls`` if there is one."""
    options: dict[str, Any] = changes.pop("options", {})
    if calls:
        service = {"slack": {"slack_channel_name": calls}}
        options = {**options, "escalate_after": after, "escalation_service": service}
    return {
        "name": name,
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": {"slack_channel_name": "#data"}},
        "policy_options": options,
        **changes,
    }


def policies(*sections: dict[str, Any]) -> list[Policy]:
    return AlertPolicies.model_validate({"alert_policies": sections}).in_force


def mute(instance: dg.DagsterInstance, *names: str) -> None:
    now = time.time()
    with Database(database_url(instance)).transaction() as connection:
        for name in names:
            subject = {"policy": name, "location": "", "job": "", "asset": ""}
            muting.mute(connection, subject, ADA, until=now + 3600, now=now)


def in_channel(slack: SlackServer, name: str) -> list[Message]:
    return [head for head in slack.heads if head.channel == name]


BOTH = policies(policy("a"), policy("b"))


@on_both_databases
def test_there_is_one_message_with_both_names_that_counts_each_failure_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    say(instance, "the census is bad")
    watch(BOTH)
    say(instance, "the census is bad")
    watch(BOTH, between_entries=0.0)
    [head] = slack.heads
    assert "*Policies:* `a`, `b`" in head.shown
    assert "failed 2 times" in head.shown
    assert [entry.text.partition(" ")[0] for entry in slack.thread(head)] == ["Stack", "Failed"]
    for name in ("a", "b"):
        [incident] = asked(capsys, "incidents", "--policy", name)
        assert incident["policies"] == ["a", "b"]
        assert incident["occurrences"] == 2
    shown = asked(capsys, "show", str(incident["number"]))
    assert len(shown["occurrences_by_key"]) == 2

    say(instance, None)
    watch(BOTH)
    assert "(recovered)" in head.shown
    assert slack.thread(head)[-1].text.startswith("Recovered")
    assert len(slack.messages) == 4


def test_two_places_have_a_message_each(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    elsewhere = {"slack": {"slack_channel_name": "#finance"}}
    say(instance, "the census is bad")
    watch(policies(policy("a"), policy("b", notification_service=elsewhere)))
    assert sorted(head.channel for head in slack.heads) == ["data", "finance"]
    assert not any("Policies" in head.shown for head in slack.heads)


@pytest.mark.parametrize("strict_first", ["strict first", "strict last"])
def test_the_stricter_escalation_wins(
    strict_first: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    both = [policy("slow", calls="#slow", after="2h"), policy("fast", calls="#fast", after="5min")]
    in_force = policies(*(reversed(both) if strict_first == "strict first" else both))
    say(instance, "the census is bad")
    watch(in_force)
    pass_time(instance)
    watch(in_force)
    assert len(in_channel(slack, "fast")) == 1
    assert in_channel(slack, "slow") == []


def test_the_only_escalation_wins(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    in_force = policies(policy("a"), policy("b", calls="#oncall"))
    say(instance, "the census is bad")
    watch(in_force)
    assert pass_time(instance) == 1
    watch(in_force)
    assert len(in_channel(slack, "oncall")) == 1


@pytest.mark.parametrize("gone", ["removed", "disabled", "sent elsewhere"])
def test_when_one_is_edited_the_other_reports_and_escalates(
    gone: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    first, other = policy("a", calls="#first", after="5min"), policy("b", calls="#other")
    say(instance, "the census is bad")
    watch(policies(first, other))
    edited = {
        "removed": [],
        "disabled": [{**first, "enabled": False}],
        "sent elsewhere": [
            {**first, "notification_service": {"log": {}}, "policy_options": {}},
        ],
    }[gone]
    left = policies(*edited, other)
    watch(left)
    assert pass_time(instance) == 1
    watch(left)
    assert len(in_channel(slack, "other")) == 1
    assert in_channel(slack, "first") == []
    say(instance, "the census is bad")
    watch(left)
    [head] = in_channel(slack, "data")
    assert "2 times" in head.shown
    say(instance, None)
    watch(left)
    assert "Recovered" in slack.thread(head)[-1].text


@pytest.mark.parametrize("muted", ["a", "b"])
def test_when_one_is_muted_the_other_reports(
    muted: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    mute(instance, muted)
    say(instance, "the census is bad")
    watch(BOTH)
    [head] = slack.heads
    assert len(slack.thread(head)) == 1
    say(instance, "the census is bad")
    watch(BOTH, between_entries=0.0)
    assert "2 times" in head.shown
    assert len(slack.thread(head)) == 2
    # what waits is muted only when all its policies are
    slack.faults.append("invalid_auth")
    fail(instance)
    watch(BOTH, seconds=0.01)
    mute(instance, "a", "b")
    watch(BOTH)
    assert slack.heads == [head]


@on_both_databases
def test_a_policy_that_was_removed_does_not_undo_the_mute_of_the_other(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    say(instance, "the census is bad")
    watch(BOTH)
    [head] = slack.heads
    left = BOTH[1:]
    mute(instance, "b")
    say(instance, "the census is bad")
    watch(left, between_entries=0.0)
    assert len(slack.thread(head)) == 1, "the stack trace"
    [incident] = asked(capsys, "incidents")
    messages = asked(capsys, "show", str(incident["number"]))["messages"]
    assert [one["state"] for one in messages if one["kind"] == "repeat"] == ["suppressed"]


@pytest.mark.parametrize("channel", ["#data", "#elsewhere"])
def test_what_was_muted_of_a_policy_that_was_renamed_is_reported_once(
    channel: str, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    mute(instance, "a")
    say(instance, "the census is bad")
    watch(policies(policy("a")))
    assert slack.heads == []
    service = {"slack": {"slack_channel_name": channel}}
    renamed = policies(policy("c", notification_service=service))
    for _ in range(2):
        watch(renamed)
    [head] = in_channel(slack, channel.removeprefix("#"))
    assert slack.heads == [head]
    assert len(slack.thread(head)) == 1
    say(instance, None)
    watch(renamed)
    assert "(recovered)" in head.shown


def test_the_escalation_of_a_muted_policy_leaves_that_of_the_other(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    in_force = policies(policy("a", calls="#first", after="5min"), policy("b", calls="#other"))
    say(instance, "the census is bad")
    watch(in_force)
    mute(instance, "a")
    pass_time(instance)
    watch(in_force)
    pass_time(instance)
    watch(in_force)
    assert in_channel(slack, "first") == []
    assert len(in_channel(slack, "other")) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_quiet_hours_of_one_do_not_hold_what_the_other_reports(
    order: int, instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    quiet = policy("a", options={"quiet_hours": always()})
    in_force = policies(*[quiet, policy("b")][::order])
    say(instance, "the census is bad")
    watch(in_force)
    say(instance, "the census is bad")
    assert watch(in_force, between_entries=0.0).outbox.held == 0
    [head] = slack.heads
    assert len(slack.thread(head)) == 2


def test_one_that_waits_for_the_last_retry_joins_the_message_of_the_other(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    patient = policy("patient", options={"announce": "retries_exhausted"})
    in_force = policies(policy("a"), patient)
    run_id = say(instance, "the census is bad")
    instance.add_run_tags(run_id, {"dagster/will_retry": "true"})
    watch(in_force)
    [head] = slack.heads
    assert "*Policy:* `a`" in head.shown
    watch(in_force, retry_launch=0.0)
    watch(in_force)
    assert slack.heads == [head]
    assert "*Policies:* `a`, `patient`" in head.shown
    assert "times since" not in head.shown


@on_both_databases
def test_nothing_is_lost_or_doubled_whenever_a_process_was_killed(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    watch = partial(watch, BOTH, **NO_OVERLAP)
    failure = RecordedFailure(instance, fail(instance))
    names = job_names()
    expected = {"plain_job"}
    with nursery(instance.root_directory, slack.url, TOKEN) as killed:
        for point in POINTS:
            name = next(names)
            expected.add(name)
            failure.store(instance, name)
            assert killed.run(point=point, policies=BOTH) == -signal.SIGKILL, point
    until = time.monotonic() + 60
    while watch().outbox.waiting:
        assert time.monotonic() < until
    watch()
    assert reported(slack) == dict.fromkeys(expected, 1)
    # the first was reported by the policy of the repository
    assert [head for head in slack.heads if "`a`, `b`" not in head.shown] == slack.heads[:1]
