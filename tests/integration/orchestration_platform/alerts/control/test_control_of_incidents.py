"""People list, show, acknowledge and resolve incidents on the command line."""

import getpass
import json
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    escalated,
    pass_time,
    policies,
)
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.__main__ import main
from sandboxes.slack.server import SlackServer


def asked(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    """Runs a command; returns the JSON that it printed."""
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main(arguments) == 1
    return capsys.readouterr().err.strip()


@on_both_databases
def test_an_acknowledgement_ends_the_escalation_and_shows_in_slack(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    say(instance, "the census is bad")
    watch(policies())
    [incident] = asked(capsys, "incidents")
    number = str(incident["number"])
    done = asked(capsys, "ack", number, "--by", "ada", "--reason", "I am looking")
    assert (done["changed"], done["by"], done["reason"]) == (True, "ada", "I am looking")
    assert pass_time(instance) == 0

    watch(policies())
    [head] = slack.heads
    assert "Acknowledged by" in head.shown
    assert "ada" in head.shown
    assert head.edits == 1
    assert escalated(slack) == []

    again = asked(capsys, "ack", number, "--by", "bob")
    assert not again["changed"]
    assert "acknowledged by ada before" in again["message"]
    shown = asked(capsys, "show", number)
    assert shown["acknowledged_by"] == ["ada"]
    [action] = shown["actions"]
    assert action.items() >= {"person": "ada", "action": "ack", "reason": "I am looking"}.items()
    assert "+00:00" in action["at"]


def test_those_who_were_called_are_notified_of_an_acknowledgement(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    watch(policies())
    pass_time(instance)
    watch(policies())
    [incident] = asked(capsys, "incidents")
    asked(capsys, "ack", str(incident["number"]), "--by", "ada")
    watch(policies())
    [call] = escalated(slack)
    assert [entry.text for entry in slack.thread(call)] == ["Acknowledged by ada"]


@on_both_databases
def test_a_resolved_incident_is_reported_as_a_recovery_with_person_and_reason(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    fail(instance)
    watch()
    [incident] = asked(capsys, "incidents")
    number = str(incident["number"])
    arguments = ("resolve", number, "--reason", "the job is gone", "--by", "ada")
    assert asked(capsys, *arguments)["changed"]
    watch()
    [head] = slack.heads
    assert "resolved by ada: the job is gone" in head.shown
    assert "resolved by ada: the job is gone" in slack.thread(head)[-1].text
    assert asked(capsys, "incidents") == []
    [ended] = asked(capsys, "incidents", "--all")
    assert ended["ended"] == "resolved by ada: the job is gone"

    posted = len(slack.messages)
    assert not asked(capsys, *arguments)["changed"]
    watch()
    assert len(slack.messages) == posted
    assert len(asked(capsys, "show", number)["actions"]) == 1
    assert refused(capsys, "ack", number) == (
        f"incident {number} is over: there is nothing to acknowledge"
    )

    fail(instance)
    watch()
    assert len(slack.heads) == 2


def test_an_incident_is_shown_with_occurrences_and_messages(
    instance: dg.DagsterInstance, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [fail(instance), fail(instance)]
    watch()
    [incident] = asked(capsys, "incidents")
    shown = asked(capsys, "show", str(incident["number"]))
    assert [one["key"] for one in shown["occurrences_by_key"]] == runs
    assert shown["errors"] == ["ValueError: row 17 of 2,000 is bad"]
    assert [(one["kind"], one["state"]) for one in shown["messages"]] == [
        ("head", "delivered"),
        ("trace", "delivered"),
    ]
    capsys.readouterr()
    assert main(["show", str(incident["number"])]) == 0
    printed = capsys.readouterr().out
    assert "row 17 of 2,000 is bad" in printed
    assert runs[0] in printed
    assert main(["ack", str(incident["number"])]) == 0
    assert f"acknowledged by {getpass.getuser()}" in capsys.readouterr().out


def test_incidents_are_filtered_and_unknown_names_are_refused(
    instance: dg.DagsterInstance, watch: Watch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert asked(capsys, "incidents") == []
    fail(instance)
    watch()
    [incident] = asked(capsys, "incidents", "--policy", "slack_on_run_failure")
    assert asked(capsys, "incidents", "--location", incident["location"]) == [incident]
    assert asked(capsys, "incidents", "--location", "elsewhere") == []
    assert asked(capsys, "incidents", "--policy", "slack_on_failing_tick") == []
    assert refused(capsys, "incidents", "--policy", "slack_on_run_failur").startswith(
        "there is no policy slack_on_run_failur, did you mean slack_on_run_failure"
    )
    assert refused(capsys, "show", "77") == (
        f"there is no incident 77 (open: {incident['number']})"
    )
    number = str(incident["number"])
    assert "--by 'ada,bob' is not a name" in refused(capsys, "ack", number, "--by", "ada,bob")
    assert "--reason is empty" in refused(capsys, "resolve", number, "--reason", " ")
    with pytest.raises(SystemExit):
        main(["resolve", number])
    assert "--reason" in capsys.readouterr().err
