"""Nothing is lost and nothing comes twice, whatever Slack and the machine do."""

import time

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all, services_with
from tests.support.failing_jobs import (
    fail,
    other_job,
    plain_job,
    say,
)

from sandboxes.slack.server import (
    SlackServer,
    slack_server,
)


def assert_reported_once(slack: SlackServer, *names: str) -> None:
    found = [[name for name in names if name in head.shown] for head in slack.heads]
    assert sorted(found) == sorted([name] for name in names)
    for head in slack.heads:
        assert len(slack.thread(head)) == 1


@pytest.mark.parametrize(
    "faults",
    [
        [500, "drop"],
        ["accept_and_hang"],
        ["accept_and_drop", "accept_and_hang", "accept_and_drop"],
        ["invalid_auth"],
        ["channel_not_found", "internal_error"],
    ],
    ids=str,
)
def test_whatever_slack_answers_each_message_arrives_once(
    faults: list[int | str], instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance)
    fail(instance, other_job)
    slack.faults.extend(faults)
    send_all(watch, seconds=3.0)
    assert_reported_once(slack, "plain_job", "other_job")


def test_while_slack_is_away_messages_wait_and_the_reason_is_shown(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.faults.extend(["token_revoked"] * 3)
    fail(instance)
    done = watch(seconds=0.1)
    assert done.outbox.waiting == 2
    assert "write a new bot token to the secret orchestration_platform/slack" in str(done)
    assert watch().outbox.waiting == 0
    assert "Slack answered" not in str(watch())


def test_waiting_lasts_as_long_as_slack_asks(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.faults.append(429)
    fail(instance)
    began = time.monotonic()
    watch()
    assert len(slack.messages) == 2
    assert time.monotonic() - began >= 1.0
    assert slack.calls["chat.postMessage"] == 3


def test_a_message_that_slack_refuses_is_sent_as_plain_text_and_no_other_waits(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.refused_text = "poison"
    say(instance, "poison in the census")
    fail(instance)
    watch()
    poisoned, other = sorted(slack.heads, key=lambda head: "plain_job" in head.shown)
    assert poisoned.blocks == []
    assert "told_job" in poisoned.text
    assert "poison in the census" in poisoned.text
    assert other.blocks


def test_a_message_that_is_refused_as_text_too_is_given_up_and_no_other_waits(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.faults.extend(["invalid_blocks", "msg_too_long"])
    fail(instance)
    fail(instance, other_job)
    done = watch()
    assert (done.outbox.failed, done.outbox.waiting) == (2, 0)
    assert "2 given up" in str(done)
    assert ["other_job" in head.shown for head in slack.heads] == [True]


def test_a_bot_that_may_not_look_posts_again_rather_than_not_at_all(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.may_read = False
    slack.faults.append("drop")
    fail(instance)
    watch()
    assert_reported_once(slack, "plain_job")


def test_a_message_that_somebody_deleted_is_posted_anew(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance)
    watch()
    slack.messages.clear()
    fail(instance)
    watch()
    [head] = slack.heads
    assert "failed 2 times" in head.shown


def test_a_message_a_second_goes_to_a_channel_and_slack_has_no_reason_to_complain(
    instance: dg.DagsterInstance, watch: Watch
) -> None:
    from orchestration_platform.alerts.facts.timing import Timing
    from orchestration_platform.alerts.memory import Memory
    from orchestration_platform.alerts.policies.policy import load_policies
    from orchestration_platform.alerts.run_pass import run_pass

    for job in (plain_job, other_job):
        fail(instance, job)
    with slack_server() as strict:
        services = services_with(strict.url)
        run_pass(
            instance,
            policies=load_policies()[:1],
            services=services,
            memory=Memory(),
            timing=Timing(sending=60.0),
        )
        assert strict.calls["chat.postMessage"] == len(strict.messages) == 4
