"""Mutes: what happens meanwhile is recorded, and reported if it is open when the mute ends."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import (
    asked,
    refused,
)
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    escalated,
    pass_time,
    policies,
)
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.__main__ import main
from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.suppression.mutes import Mute
from orchestration_platform.alerts.outbox.tables import MUTES
from orchestration_platform.alerts.policies.policy import AlertPolicies
from sandboxes.slack.server import SlackServer

POLICY = "slack_on_run_failure"
WHY = ("--reason", "we migrate", "--by", "ada")


def end_mutes(instance: dg.DagsterInstance) -> None:
    """Lets the time pass until all mutes are over."""
    over = sa.update(MUTES).values(muted_until=time.time() - 1.0)
    with Database(database_url(instance)).transaction() as connection:
        connection.execute(over)


def heads_of(shown: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["state"], one["error"]) for one in shown["messages"] if one["kind"] == "head"]


@on_both_databases
@pytest.mark.parametrize("how", ["it expires", "somebody ends it"])
def test_what_is_open_when_a_mute_ends_is_reported_once_with_its_count(
    how: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    watch()
    [before] = slack.heads
    done = asked(capsys, "mute", "--policy", POLICY, "--for", "2h", *WHY)
    for _ in range(2):
        say(instance, "the census is bad")
        watch(between_entries=0.0)
    assert slack.heads == [before]

    repeated, plain = asked(capsys, "incidents")
    assert repeated["occurrences"] == 2
    assert repeated["muted"] == plain["muted"]
    assert repeated["muted"].startswith("muted by ada until 20")
    assert repeated["muted"].endswith("UTC: we migrate")
    shown = asked(capsys, "show", str(repeated["number"]))
    assert heads_of(shown) == [("suppressed", repeated["muted"])]
    capsys.readouterr()
    assert main(["incidents"]) == 0
    assert "muted by ada until" in capsys.readouterr().out
    [listed] = asked(capsys, "mutes")
    assert (listed["number"], listed["person"]) == (done["number"], "ada")

    if how == "it expires":
        end_mutes(instance)
    else:
        assert asked(capsys, "unmute", str(done["number"]), *WHY)["changed"]
        assert not asked(capsys, "unmute", str(done["number"]), *WHY)["changed"]
    watch()
    watch()
    [_, late] = slack.heads
    assert "2 times" in late.shown
    assert len(slack.thread(late)) == 1
    assert [one["muted"] for one in asked(capsys, "incidents")] == ["", ""]
    assert asked(capsys, "mutes") == []
    [ended] = asked(capsys, "mutes", "--all")
    assert bool(ended["ended_at"]) is (how == "somebody ends it")

    # both go on as if they had never been muted
    fail(instance)
    say(instance, None)
    watch(between_entries=0.0)
    assert len(slack.thread(before)) == 2
    assert "Recovered" in slack.thread(late)[-1].text


@on_both_databases
def test_what_recovers_in_a_mute_is_never_reported(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked(capsys, "mute", "--policy", POLICY, "--for", "1d", *WHY)
    say(instance, "the census is bad")
    watch()
    say(instance, None)
    watch()
    end_mutes(instance)
    watch()
    assert slack.messages == []
    [incident] = asked(capsys, "incidents", "--all")
    shown = asked(capsys, "show", str(incident["number"]))
    assert {one["state"] for one in shown["messages"]} == {"suppressed"}
    assert all("muted by ada" in one["error"] for one in shown["messages"])


def test_the_repeats_and_the_escalation_of_an_earlier_message_are_muted(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    [head] = slack.heads
    done = asked(capsys, "mute", "--job", "told_job", "--for", "2h", *WHY)
    say(instance, "the census is bad")
    pass_time(instance)
    watch(policies(), between_entries=0.0)
    assert len(slack.thread(head)) == 1
    assert escalated(slack) == []
    [incident] = asked(capsys, "incidents")
    [muted] = [
        one
        for one in asked(capsys, "show", str(incident["number"]))["messages"]
        if one["kind"] == "repeat"
    ]
    assert muted["state"] == "suppressed"
    assert "muted by ada" in muted["error"]

    asked(capsys, "unmute", str(done["number"]), *WHY)
    watch(policies())
    assert len(escalated(slack)) == 1
    say(instance, "the census is bad")
    watch(policies())
    assert len(slack.thread(head)) == 2


def test_what_waits_is_muted_and_an_escalation_begins_when_the_mute_ends(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    slack.faults.append("invalid_auth")
    say(instance, "the census is bad")
    watch(policies(), seconds=0.01)
    asked(capsys, "mute", "--job", "told_job", "--for", "2h", *WHY)
    watch(policies())
    assert slack.heads == []
    end_mutes(instance)
    watch(policies())
    assert len(slack.heads) == 1
    assert pass_time(instance) == 1
    watch(policies())
    assert len(escalated(slack)) == 1


def test_good_news_is_muted_and_never_reported_late(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    document = {
        "name": "news",
        "enabled": True,
        "event_types": ["JOB_SUCCESS"],
        "notification_service": {"slack": {}},
    }
    news = AlertPolicies.model_validate({"alert_policies": [document]}).in_force
    watch(news)
    say(instance, None)
    asked(capsys, "mute", "--job", "told_job", "--for", "2h", *WHY)
    watch(news)
    end_mutes(instance)
    watch(news)
    assert slack.heads == []
    say(instance, None)
    watch(news)
    assert len(slack.heads) == 1
    assert "2 times" not in slack.heads[0].shown


def test_others_are_reported(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    fail(instance, other_job)
    asked(capsys, "mute", "--job", "plain_job", "--for", "2h", *WHY)
    watch()
    [head] = slack.heads
    assert "other_job" in head.shown


@pytest.mark.parametrize(
    ("mute", "is_muted"),
    [
        ({"policy": "p"}, True),
        ({"policy": "q"}, False),
        ({"location": "shop"}, True),
        ({"location": "bank"}, False),
        ({"job": "daily", "location": "shop"}, True),
        ({"job": "daily", "location": "bank"}, False),
        ({"asset": "a"}, False),
    ],
)
def test_every_name_of_a_mute_must_match(mute: dict[str, str], *, is_muted: bool) -> None:
    alert = _alert(assets=("a", "b"))
    assert _mute(**mute).fits("p", alert) is is_muted


def test_a_mute_of_an_asset_hides_no_other_asset_of_the_run() -> None:
    assert _mute(asset="a").fits("p", _alert(assets=("a",)))
    assert not _mute(asset="a").fits("p", _alert(assets=("a", "b")))


def _mute(**names: str) -> Mute:
    return Mute(
        **{
            "id": 1,
            "policy": "",
            "location": "",
            "job": "",
            "asset": "",
            "person": "ada",
            "reason": "we migrate",
            "muted_at": 0.0,
            "muted_until": 1.0,
            "ended_at": None,
            "ended_by": "",
            **names,
        }
    )


def _alert(assets: Sequence[str]) -> Alert:
    return Alert(
        event_type="JOB_FAILURE",
        severity=Severity.ERROR,
        kind="Job",
        subject="daily",
        job_name="daily",
        at=0.0,
        location="shop",
        assets=tuple(assets),
    )


def test_wrong_names_and_times_are_refused(
    instance: dg.DagsterInstance, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    fail(instance)
    watch()
    hours = ("--for", "2h", *WHY)
    assert refused(capsys, "mute", "--job", "plain_jop", *hours).startswith(
        "there is no job plain_jop, did you mean plain_job?"
    )
    assert refused(capsys, "mute", "--policy", "slack_on_run_failur", *hours).startswith(
        "there is no policy slack_on_run_failur, did you mean slack_on_run_failure"
    )
    assert "there is no asset sales" in refused(capsys, "mute", "--asset", "sales", *hours)
    assert "there is no code location shop" in refused(capsys, "mute", "--location", "shop", *hours)
    assert "nothing is named" in refused(capsys, "mute", *hours)
    assert "there is no mute 7" in refused(capsys, "unmute", "7", *WHY)
    past = (datetime.now(UTC) - timedelta(minutes=1)).isoformat()
    assert "over already" in refused(capsys, "mute", "--job", "plain_job", "--until", past, *WHY)
    assert "31 days" in refused(capsys, "mute", "--job", "plain_job", "--for", "32d", *WHY)
    for wrong in (("--for", "2 hours"), ("--until", "soon"), ()):
        with pytest.raises(SystemExit):
            main(["mute", "--job", "plain_job", *wrong, *WHY])
    assert asked(capsys, "mutes", "--all") == []
