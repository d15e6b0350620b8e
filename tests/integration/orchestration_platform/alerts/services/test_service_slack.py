"""What is asked of Slack beside posting: reactions, waits, and who the bot is."""

import time

import dagster as dg
import pytest
from dagster_slack import SlackResource
from slack_sdk import WebClient
from tests.integration.orchestration_platform.alerts.conftest import Watch, services_with
from tests.integration.orchestration_platform.alerts.notifications import added, notification
from tests.support.failing_jobs import fail

from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.protocol.errors import (
    LookupForbiddenError,
    MessageGoneError,
    ServiceUnavailableError,
)
from orchestration_platform.alerts.services.protocol.service import Receipt, Service
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.services.slack.service import SlackService
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from sandboxes.slack.limits import problem_of
from sandboxes.slack.server import TOKEN, SlackServer
from shared_lib.configuration.environment import current_settings

DESTINATION = Destination("slack", "#alerts")


@pytest.fixture
def service(services: Services) -> Service:
    found = services.at(DESTINATION)
    assert isinstance(found, SlackService)
    return found


def test_eyes_below_a_message_and_nothing_else_acknowledge_it(
    service: Service, services: Services, slack: SlackServer
) -> None:
    receipt = service.post(notification())

    def is_acknowledged() -> bool:
        found = services.acknowledged_by(DESTINATION, message_id=receipt.id, place=receipt.place)
        return found is not None

    assert not is_acknowledged()
    slack.messages[0].reactions += ["tada", "tada"]
    assert not is_acknowledged()
    slack.messages[0].reactions += ["eyes"]
    assert is_acknowledged()


def test_a_message_that_is_gone_or_may_not_be_looked_at_is_not_taken_for_acknowledged(
    service: Service, slack: SlackServer
) -> None:
    receipt = service.post(notification())
    slack.may_read = False
    with pytest.raises(LookupForbiddenError):
        service.acknowledged_by(receipt)
    slack.may_read = True
    slack.messages.clear()
    with pytest.raises(MessageGoneError):
        service.acknowledged_by(receipt)


def test_a_service_without_acknowledgements_reports_none(services: Services) -> None:
    assert services.acknowledged_by(Destination("log"), message_id="log", place="") is None
    found = services.acknowledged_by(
        Destination("email", "a@example.com"), message_id="k", place=""
    )
    assert found is None


@pytest.mark.parametrize("with_thread", [False, True])
def test_a_message_is_found_by_its_key_in_the_channel_and_in_the_thread(
    with_thread: object, service: Service, slack: SlackServer
) -> None:
    head = service.post(notification())
    thread = head if with_thread else None
    sent = added("repeat", thread=thread) if with_thread else notification("k3")
    receipt = service.post(sent)
    assert service.find(sent, since=0.0, place="") == receipt
    assert service.find(notification("other"), since=0.0, place="") is None
    assert service.find(sent, since=time.time() + 60, place="") is None


@pytest.mark.parametrize("clock_ahead", [-600.0, 600.0], ids=["Slack behind", "Slack ahead"])
@pytest.mark.parametrize("is_private", [False, True], ids=["public", "private"])
def test_a_message_whose_answer_was_lost_is_posted_once(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    clock_ahead: float,
    is_private: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    slack.clock_ahead = clock_ahead
    if is_private:
        slack.private.add(current_settings().alert_channel.removeprefix("#"))
    slack.faults.extend(["accept_and_drop", "accept_and_drop"])
    fail(instance)

    done = watch()

    assert done.outbox.waiting == 0
    [head] = slack.heads
    assert len(slack.thread(head)) == 1


def test_a_message_that_went_to_the_log_is_posted_once_there_is_a_token(
    service: Service,
) -> None:
    with pytest.raises(MessageGoneError):
        service.update(notification(), at=Receipt("log"))


def test_a_moment_is_waited_for_here_and_longer_in_the_outbox(
    service: Service, slack: SlackServer
) -> None:
    slack.faults.append(429)
    began = time.monotonic()
    service.post(notification())
    assert time.monotonic() - began >= 1.0

    slack.retry_after = 40
    slack.faults.append(429)
    began = time.monotonic()
    with pytest.raises(ServiceUnavailableError) as asked:
        service.post(notification())
    assert time.monotonic() - began < 20
    assert asked.value.retry_after == 40
    assert not asked.value.is_unsure
    assert len(slack.messages) == 1


def test_a_long_wait_outlives_the_process(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.retry_after = 40
    slack.faults.append(429)
    fail(instance)
    assert watch(seconds=0.5).outbox.waiting == 2
    calls = slack.calls["chat.postMessage"]
    done = watch(seconds=0.5)
    assert slack.calls["chat.postMessage"] == calls
    assert "Slack asks to wait" in str(done)


def test_the_token_can_be_tested_without_posting_a_message(slack: SlackServer) -> None:
    api = SlackWebApi(api_url=slack.url)
    assert api.check(TOKEN) == "alerts"
    with pytest.raises(ServiceUnavailableError, match="write a valid bot token"):
        api.check("another")
    assert slack.messages == []


def test_the_client_is_that_of_dagsters_resource_made_with_the_token_of_the_moment(
    service: Service, services: Services, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokens: list[str] = []
    get_client = SlackResource.get_client

    def recorded(resource: SlackResource) -> WebClient:
        tokens.append(resource.token)
        return get_client(resource)

    monkeypatch.setattr(SlackResource, "get_client", recorded)
    service.post(notification())
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", "xoxb-the-next")
    with pytest.raises(ServiceUnavailableError, match="write a valid bot token"):
        services.at(DESTINATION).post(notification("k2"))
    assert tokens == [TOKEN, "xoxb-the-next"]
    assert len(slack.messages) == 1


@pytest.mark.parametrize("end", ["", "/"])
def test_the_environment_names_another_address_with_or_without_a_slash(
    end: str, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_API_URL", f"{slack.url}{end}")
    assert SlackWebApi().check(TOKEN) == "alerts"
    monkeypatch.setenv("SLACK_API_URL", "https://slack.example.com/api")
    assert SlackWebApi(api_url=f"{slack.url}{end}").check(TOKEN) == "alerts"


def test_a_dropped_connection_is_not_tried_again_by_the_library(
    service: Service, slack: SlackServer
) -> None:
    slack.faults.append("accept_and_drop")
    with pytest.raises(ServiceUnavailableError) as asked:
        service.post(notification())
    assert asked.value.is_unsure
    assert len(slack.messages) == 1


BUTTON = {"type": "button", "text": {"type": "plain_text", "text": "Run"}, "url": "https://x.org"}
BAD_BLOCKS = {
    "a header of mrkdwn": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "a long header": {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
    "a long text": {"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}},
    "an empty section": {"type": "section"},
    "an unknown key": {"type": "divider", "colour": "red"},
    "an unknown kind": {"type": "marquee"},
    "six buttons with one bad": {"type": "actions", "elements": [BUTTON] * 5 + [{"type": "x"}]},
    "a button that runs code": {"type": "actions", "elements": [{**BUTTON, "url": "javascript:"}]},
    "a long button": {
        "type": "actions",
        "elements": [{**BUTTON, "text": {"type": "plain_text", "text": "x" * 76}}],
    },
}


@pytest.mark.parametrize("block", BAD_BLOCKS.values(), ids=list(BAD_BLOCKS))
def test_the_stand_in_refuses_what_slack_refuses(block: dict[str, object]) -> None:
    assert problem_of({"text": "x", "blocks": [block]}) == "invalid_blocks"


def test_a_channel_of_the_stand_in_takes_one_message_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from sandboxes.slack.server import slack_server

    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    with slack_server(retry_after=9) as strict:
        service = services_with(strict.url).at(DESTINATION)
        service.post(notification())
        with pytest.raises(ServiceUnavailableError):
            service.post(notification("k2"))
        services_with(strict.url).at(Destination("slack", "#others")).post(notification("k3"))
        assert len(strict.messages) == 2
