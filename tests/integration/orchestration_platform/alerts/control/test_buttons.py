"""People press the buttons below messages in Slack, which a stand-in delivers by Socket Mode."""

import json
import logging
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import QUICK, Watch
from tests.integration.orchestration_platform.alerts.control.test_control_of_incidents import (
    asked,
    refused,
)
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.control.listening import Listener
from orchestration_platform.alerts.facts.timing import Clock
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.alerts.services.protocol.errors import ServiceUnavailableError
from orchestration_platform.alerts.services.registry import Services
from sandboxes.slack.server import Message, SlackServer
from sandboxes.slack.socket_mode import APP_TOKEN
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.configuration.environment import current_settings

ADA = {"id": "U0ADA", "username": "ada", "name": "ada"}
LABELS = ["Acknowledge", "Resolve", "Mute 1 h"]
APP = "ORCHESTRATION_PLATFORM_SLACK__APP_TOKEN"
DOCUMENT = {
    "name": "p",
    "enabled": True,
    "event_types": ["JOB_FAILURE"],
    "notification_service": {"slack": {}},
    "policy_options": {"escalate_after": "30min", "escalation_service": {"log": {}}},
}
POLICIES = AlertPolicies.model_validate({"alert_policies": [DOCUMENT]})


@pytest.fixture
def listener(
    instance: dg.DagsterInstance,
    memory: Memory,
    services: Services,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[threading.Thread]:
    """What ``alerts listen`` runs, in a thread; its connection is open."""
    monkeypatch.setenv(APP, APP_TOKEN)
    # a busy machine is slower than Slack allows
    slack.socket_mode.acknowledged_within = PATIENCE_SECONDS
    stopped = threading.Event()
    listening = Listener(
        memory.database_of(instance),
        services,
        lambda: POLICIES,
        current_settings(),
        logging.getLogger("buttons"),
        timing=QUICK,
    )
    thread = threading.Thread(
        target=listening.listen, kwargs={"goes_on": lambda: not stopped.is_set()}
    )
    thread.start()
    slack.socket_mode.wait_for_connections(1, seconds=PATIENCE_SECONDS)
    yield thread
    stopped.set()
    thread.join()
    assert slack.socket_mode.problems == []


def buttons_of(message: Message) -> list[str]:
    return [
        element["text"]["text"]
        for block in message.blocks
        if block["type"] == "actions"
        for element in block["elements"]
        if "url" not in element
    ]


def answer(slack: SlackServer, number: int = 1) -> str:
    """The answer number ``number`` to ada."""
    wait_until(lambda: len(slack.answers) >= number)
    user, text = slack.answers[number - 1]
    assert user == ADA["id"]
    return text


@on_both_databases
@pytest.mark.usefixtures("listener")
def test_who_acknowledges_with_the_button_is_in_the_message_at_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    say(instance, "the census is bad")
    watch(POLICIES.in_force)
    [head] = slack.heads
    assert buttons_of(head) == LABELS
    slack.press(head, "Acknowledge", **ADA)
    [incident] = asked(capsys, "incidents")
    assert incident["acknowledged_by"] == ["ada"]
    assert answer(slack) == f"Incident {incident['number']} is acknowledged by you."
    wait_until(lambda: "Acknowledged by:* ada" in head.shown)
    shown = asked(capsys, "show", str(incident["number"]))
    assert shown["escalates_at"] is None
    [action] = shown["actions"]
    expected = {"person": "ada", "action": "ack", "reason": "with the button in Slack"}
    assert action.items() >= expected.items()

    slack.press(head, "Acknowledge", id="U0BOB", username="bob")
    wait_until(lambda: len(slack.answers) == 2)
    assert slack.answers[1] == (
        "U0BOB", f"Incident {incident['number']} was acknowledged before."
    )  # fmt: skip


@pytest.mark.usefixtures("listener")
def test_a_resolved_incident_loses_its_buttons_and_answers_that_it_is_over(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fail(instance)
    watch(POLICIES.in_force)
    [head] = slack.heads
    before = Message(**vars(head))
    slack.press(head, "Resolve", **ADA)
    assert "is resolved by you" in answer(slack)
    wait_until(lambda: buttons_of(head) == [])
    assert "resolved by ada: with the button in Slack" in head.shown
    wait_until(lambda: "Ended after" in slack.thread(head)[-1].text)
    assert asked(capsys, "incidents") == []

    # somebody's client still shows the message as it was
    for number, label in enumerate(LABELS, start=2):
        slack.press(before, label, **ADA)
        text = answer(slack, number)
        assert "is over since <!date^" in text
        assert text.endswith(": resolved by ada: with the button in Slack.")
    assert asked(capsys, "mutes") == []


@on_both_databases
@pytest.mark.usefixtures("listener")
def test_a_mute_of_an_hour_is_in_the_thread_and_applies_once(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    say(instance, "the census is bad")
    watch(POLICIES.in_force)
    [head] = slack.heads
    before = time.time()
    # the acknowledgement is lost, and Slack delivers the press again
    slack.socket_mode.lost_acknowledgements = 1
    envelope = slack.press(head, "Mute 1 h", **ADA)
    assert slack.socket_mode.deliveries[envelope] == 2
    [mute] = asked(capsys, "mutes")
    assert (mute["job"], mute["person"]) == ("told_job", "ada")
    wait_until(lambda: slack.thread(head)[-1].text.startswith("Muted by ada: with the button"))
    assert answer(slack).startswith("Nobody is notified of job told_job of code location ")
    assert len(slack.answers) == 1

    slack.press(head, "Mute 1 h", **ADA)
    assert "muted by ada until" in answer(slack, 2)
    [mute] = asked(capsys, "mutes")
    say(instance, "the census is bad")
    entries = len(slack.thread(head))
    watch(POLICIES.in_force, between_entries=0.0)
    assert len(slack.thread(head)) == entries
    until = datetime.fromisoformat(mute["muted_until"]).timestamp()
    assert before + 3600 <= until <= time.time() + 3600


@pytest.mark.usefixtures("listener")
def test_a_press_is_applied_once_however_often_it_arrives(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fail(instance)
    watch(POLICIES.in_force)
    [head] = slack.heads
    envelope = slack.press(head, "Mute 1 h", **ADA)
    [mute] = asked(capsys, "mutes")
    asked(capsys, "unmute", str(mute["number"]), "--reason", "no", "--by", "bob")
    slack.press(head, "Mute 1 h", envelope=envelope, **ADA)
    assert slack.socket_mode.deliveries[envelope] == 2
    assert asked(capsys, "mutes") == []


@pytest.mark.usefixtures("listener")
@pytest.mark.parametrize("user", [{"id": "U0ADA"}, {"id": "U0ADA", "username": "ada, bob"}])
def test_a_person_without_a_name_is_shown_by_id(
    user: dict[str, str], instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fail(instance)
    watch(POLICIES.in_force)
    [head] = slack.heads
    slack.press(head, "Acknowledge", **user)
    [incident] = asked(capsys, "incidents")
    assert incident["acknowledged_by"] == ["U0ADA"]
    wait_until(lambda: "Acknowledged by:* <@U0ADA>" in head.shown)


@pytest.mark.usefixtures("listener")
def test_what_is_not_one_of_our_buttons_is_acknowledged_and_changes_nothing(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fail(instance)
    watch(POLICIES.in_force)
    [head] = slack.heads
    links = [e for b in head.blocks if b["type"] == "actions" for e in b["elements"] if "url" in e]
    slack.press(head, links[0]["text"]["text"], **ADA)
    for payload in ({}, {"type": "view_submission"}, {"type": "block_actions", "actions": []}):
        slack.socket_mode.deliver(payload)
    # of a message that is in no outbox
    stray = Message(**{**vars(head), "blocks": _keyed(head.blocks, "0" * 32)})
    slack.press(stray, "Resolve", **ADA)
    assert answer(slack) == "This message belongs to no incident: it is a test, or too old."
    [incident] = asked(capsys, "incidents")
    assert asked(capsys, "show", str(incident["number"]))["actions"] == []


def _keyed(blocks: list[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    copied = json.loads(json.dumps(blocks))
    for block in copied:
        for element in block.get("elements", []):
            if "value" in element:
                element["value"] = key
    return copied


@pytest.mark.usefixtures("listener")
def test_presses_arrive_through_the_connection_that_replaces_another(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    fail(instance)
    watch(POLICIES.in_force)
    slack.socket_mode.refresh()
    slack.socket_mode.wait_for_connections(2, seconds=PATIENCE_SECONDS)
    slack.press(slack.heads[0], "Acknowledge", **ADA)
    [incident] = asked(capsys, "incidents")
    assert incident["acknowledged_by"] == ["ada"]
    assert APP_TOKEN not in caplog.text
    assert not any("ticket=" in one.getMessage() for one in caplog.records if one.name == "buttons")


def test_without_a_token_of_the_app_there_are_no_buttons_and_nothing_to_listen_to(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    fail(instance)
    watch(POLICIES.in_force)
    assert buttons_of(slack.heads[0]) == []
    assert "the secret orchestration_platform/slack has no app_token" in refused(capsys, "listen")


def test_a_token_that_slack_rejects_is_reported_and_not_shown(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    services: Services,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(APP, "xapp-of-another")
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    assert refused(capsys, "listen") == (
        "Slack answered invalid_auth to apps.connections.open: write a valid app token to the"
        " secret orchestration_platform/slack"
    )


class HurriedClock(Clock):
    """Ten seconds pass from one look to the next."""

    def __init__(self) -> None:
        self._now = 0.0

    def now(self) -> float:
        self._now += 10.0
        return self._now


def test_a_listener_that_gets_no_connection_any_more_ends(
    instance: dg.DagsterInstance,
    memory: Memory,
    services: Services,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever has started it starts it again, or people notice."""
    monkeypatch.setenv(APP, APP_TOKEN)
    listening = Listener(
        memory.database_of(instance),
        services,
        lambda: POLICIES,
        current_settings(),
        logging.getLogger("buttons"),
        timing=replace(QUICK, clock=HurriedClock()),
    )

    def revoke() -> None:
        slack.socket_mode.wait_for_connections(1, seconds=PATIENCE_SECONDS)
        slack.socket_mode.end()

    revoking = threading.Thread(target=revoke)
    revoking.start()
    with pytest.raises(ServiceUnavailableError, match="no connection for a minute"):
        listening.listen()
    revoking.join()
