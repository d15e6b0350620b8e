"""People drop or redirect what waits for a destination that will never accept it."""

import signal
import time
from collections import Counter
from functools import partial

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import (
    asked,
    refused,
)
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    ONCALL,
    pass_time,
    policies,
)
from tests.integration.orchestration_platform.alerts.dying import (
    NO_OVERLAP,
    RELEASING_POINTS,
    nursery,
)
from tests.integration.orchestration_platform.alerts.kills.test_kills import reported
from tests.integration.orchestration_platform.alerts.recorded_failures import (
    RecordedFailure,
    job_names,
)
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.delivery import queue, settle
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import OutboxState, outbox_state
from orchestration_platform.alerts.outbox.tables import MESSAGES
from orchestration_platform.alerts.policies import policy
from sandboxes.slack.server import SlackServer
from sandboxes.waiting import wait_until

CHANNEL = "notifications-data-platform-ci"
PLACE = f"slack:#{CHANNEL}"
OTHER = f"slack:#{ONCALL}"
WHY = ("--reason", "the channel was archived", "--by", "ada")


@pytest.fixture(autouse=True)
def other_is_known(watch: Watch, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other channel is a destination of the file too."""
    shipped = policy.load_file().alert_policies
    file = policy.AlertPolicies(alert_policies=[*shipped, *policies()])
    monkeypatch.setattr(policy, "load_file", lambda *_path: file)


def outbox(instance: dg.DagsterInstance) -> OutboxState:
    with Database(database_url(instance)).transaction() as connection:
        return outbox_state(connection)


def is_red(instance: dg.DagsterInstance) -> bool:
    """Whether the watchdog reports something now or will an hour from now."""
    return bool(outbox(instance).overdue(time.time() + 3600.0, allowed_seconds=600.0))


@on_both_databases
def test_what_is_dropped_is_recorded_and_never_tried_again(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(instance, "the census is bad")
    watch()
    slack.archived.add(CHANNEL)
    say(instance, "the census is bad")
    fail(instance)
    watch(seconds=0.2)
    assert is_red(instance)
    assert "is_archived" in str(outbox(instance).reasons)

    done = asked(capsys, "drop", PLACE, *WHY)
    # an update, and the message of the other failure with its stack trace
    assert (done["messages"], done["changed"], done["being_sent"]) == (3, True, 0)
    assert not is_red(instance)
    assert outbox(instance) == OutboxState(undelivered=[])
    calls = slack.calls.total()
    watch()
    assert slack.calls.total() == calls

    for number in done["incidents"]:
        shown = asked(capsys, "show", str(number))
        [action] = shown["actions"]
        assert (action["action"], action["person"]) == ("drop", "ada")
        assert action["reason"] == "the channel was archived"
        [head] = [one for one in shown["messages"] if one["kind"] == "head"]
        assert head["state"] == "dropped"
        assert head["error"] == "dropped by ada: the channel was archived"
    capsys.readouterr()
    assert main(["list", "--state", "dropped"]) == 0
    assert capsys.readouterr().out.count("dropped by ada: the channel was archived") == 3

    # later entries of these incidents have no message to belong to
    say(instance, None)
    watch()
    assert not is_red(instance)
    assert outbox(instance).waiting == 0
    assert not asked(capsys, "drop", PLACE, *WHY)["changed"]

    # a new incident is a new message
    say(instance, "the census is bad")
    watch(seconds=0.2)
    assert is_red(instance)


def test_one_message_is_dropped_with_its_entries_and_the_others_wait(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.archived.add(CHANNEL)
    fail(instance)
    say(instance, "the census is bad")
    watch(seconds=0.2)
    numbers = [one["number"] for one in asked(capsys, "incidents")]
    shown = asked(capsys, "show", str(numbers[0]))
    message = str(shown["messages"][0]["id"])
    assert asked(capsys, "drop", "--message", message, *WHY)["incidents"] == [numbers[0]]
    assert not asked(capsys, "drop", "--message", message, *WHY)["changed"]
    slack.archived.clear()
    send_all(watch)
    assert len(slack.heads) == 1
    assert refused(capsys, "drop", "--message", "77", *WHY).startswith("there is no message 77")


@on_both_databases
def test_what_is_redirected_arrives_there_with_all_that_follows(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(instance, "the census is bad")
    watch()
    [old] = slack.heads
    slack.archived.add(CHANNEL)
    say(instance, "the census is bad")
    fail(instance)
    watch(seconds=0.2, between_entries=0.0)
    assert is_red(instance)

    done = asked(capsys, "redirect", PLACE, OTHER, *WHY)
    assert len(done["incidents"]) == 2
    send_all(watch)
    assert not is_red(instance)
    there = [head for head in slack.heads if head is not old]
    assert {head.channel for head in there} == {ONCALL}
    assert reported(slack) == {"told_job": 2, "plain_job": 1}
    assert not any("Escalated" in head.shown for head in there)
    [repeated] = [head for head in there if "told_job" in head.shown]
    assert "2 times" in repeated.shown

    # the policy still names the old channel, and the incident goes on at the new one
    say(instance, "the census is bad")
    say(instance, None)
    watch(between_entries=0.0)
    assert not is_red(instance)
    assert "Recovered" in repeated.shown
    assert "Recovered" in slack.thread(repeated)[-1].text
    assert len(slack.heads) == 3
    assert len(slack.thread(old)) == 1
    for number in done["incidents"]:
        shown = asked(capsys, "show", str(number))
        assert shown["destination"] == OTHER
        assert shown["actions"][0]["action"] == "redirect"
        assert {one["error"] for one in shown["messages"] if one["state"] == "redirected"} == {
            f"redirected to {OTHER} by ada: the channel was archived"
        }


def test_an_escalation_follows_a_redirection(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    slack.archived.add(ONCALL)
    pass_time(instance)
    watch(policies(), seconds=0.2)
    asked(capsys, "redirect", OTHER, PLACE, *WHY)
    pass_time(instance)
    send_all(watch, policies())
    assert not is_red(instance)
    [head] = slack.heads
    assert any("Nobody has acknowledged" in one.text for one in slack.thread(head))


def test_what_is_being_sent_is_neither_dropped_nor_redirected(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.archived.add(CHANNEL)
    fail(instance)
    watch(seconds=0.2)
    slack.archived.clear()
    database = Database(database_url(instance))
    with database.transaction() as connection:
        claim = queue.claim_next(connection, now=time.time() + 600.0, descriptions={})
    assert claim is not None
    for command in (("drop", PLACE), ("redirect", PLACE, OTHER)):
        done = asked(capsys, *command, *WHY)
        assert (done["changed"], done["being_sent"]) == (False, 2)
        assert "repeat the command in a minute" in done["message"]


def test_a_process_that_seemed_dead_cannot_undo_a_drop(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.archived.add(CHANNEL)
    fail(instance)
    watch(seconds=0.2)
    database = Database(database_url(instance))
    with database.transaction() as connection:
        claim = queue.claim_next(connection, now=time.time() + 600.0, descriptions={})
        assert claim is not None
        connection.execute(
            sa.update(MESSAGES)
            .where(MESSAGES.c.id == claim.message_id)
            .values(claimed_until=time.time() - 1.0)
        )
    assert asked(capsys, "drop", PLACE, *WHY)["changed"]
    with database.transaction() as connection:
        settle.record_delivery(
            connection, claim, reference="1.0", place="C1", version=1, now=time.time()
        )
        state = connection.execute(
            sa.select(MESSAGES.c.state).where(MESSAGES.c.id == claim.message_id)
        ).scalar()
    assert state == "dropped"


@on_both_databases
def test_a_redirection_loses_and_doubles_nothing_whenever_a_pass_was_killed(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    watch = partial(watch, **NO_OVERLAP)
    failure = RecordedFailure(instance, fail(instance))
    watch()
    names = job_names()
    expected: Counter[str] = Counter()
    with nursery(instance.root_directory, slack.url, slack.token) as killed:
        for point in RELEASING_POINTS:
            name = next(names)
            expected[name] = 1
            failure.store(instance, name)
            assert killed.run(point=point) == -signal.SIGKILL, point
            slack.archived.add(CHANNEL)
            # what another process may be sending is left alone until its claim ends
            wait_until(
                lambda: not asked(capsys, "redirect", PLACE, OTHER, *WHY)["being_sent"],
                seconds=30.0,
            )
            slack.archived.clear()
    send_all(watch)
    assert not is_red(instance)
    # once, where it was redirected to; and where it was, at most what Slack had accepted
    there = [head for head in slack.heads if head.channel == ONCALL]
    assert Counter(head.shown.split("`")[1] for head in there) == expected
    assert [len(slack.thread(head)) for head in there] == [1] * len(there)
    before = [head for head in slack.heads if head.channel == CHANNEL]
    assert len(before) == len({head.shown.split("`")[1] for head in before})


def test_unknown_destinations_are_refused(
    instance: dg.DagsterInstance, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(instance)
    watch()
    for command in (("drop",), ("redirect", PLACE)):
        error = refused(capsys, *command, "slack:#oncal", *WHY)
        assert error == (
            f"slack:#oncal is not a destination of a policy or of a message, did you mean {OTHER}?"
        )
    assert "did you mean slack" in refused(capsys, "redirect", PLACE, "slak", *WHY)
    assert "enter another destination" in refused(capsys, "redirect", PLACE, PLACE, *WHY)
