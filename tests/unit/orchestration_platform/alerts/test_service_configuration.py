"""``notification_service`` and its destination as text."""

from pathlib import Path
from typing import Any

import pytest

from orchestration_platform.alerts.outbox.messages import add_message
from orchestration_platform.alerts.policies.services import SERVICES, NotificationService
from orchestration_platform.alerts.services.protocol.destination import Destination
from orchestration_platform.alerts.services.registry import capabilities_of
from shared_lib.configuration.validated_yaml import ConfigurationError, validate_document

CHANNEL = "#alerts"
GIVEN: dict[str, tuple[dict[str, Any], str, str]] = {
    "slack": ({"slack_channel_name": "ops"}, "#ops", "slack:#ops"),
    "slack_webhook": ({"webhook_url": "shop/slack"}, "shop/slack", "slack_webhook:shop/slack"),
    "email": ({"email_addresses": ["a@example.com", "b@x.org"]}, "a@example.com,b@x.org",
              "email:a@example.com,b@x.org"),
    "email_owners": (
        {"default_email_addresses": ["a@example.com", "b@x.org"]},
        "a@example.com,b@x.org", "email_owners:a@example.com,b@x.org",
    ),
    "microsoft_teams": ({"webhook_url": "shop/teams"}, "shop/teams", "microsoft_teams:shop/teams"),
    "pagerduty": ({"integration_key": "shop/key"}, "shop/key", "pagerduty:shop/key"),
    "webhook": ({"secret": "shop/hook"}, "shop/hook", "webhook:shop/hook"),
    "apprise": ({"apprise_url": "shop/ntfy"}, "shop/ntfy", "apprise:shop/ntfy"),
    "log": ({}, "", "log"),
}  # fmt: skip


def parsed(document: dict[str, Any]) -> NotificationService:
    return validate_document(document, NotificationService, path=Path("alert_policies.yaml"))


def test_each_service_is_here() -> None:
    assert GIVEN.keys() == SERVICES.keys()


@pytest.mark.parametrize("name", list(GIVEN))
def test_a_destination_names_the_service_and_leads_back_to_it(name: str) -> None:
    fields, address, text = GIVEN[name]
    service = parsed({name: fields})
    destination = Destination(name, address)
    assert service.destination(CHANNEL) == destination
    assert str(destination) == text
    found = NotificationService.from_destination(destination)
    assert found.destination(CHANNEL) == destination
    assert found.name == name
    assert capabilities_of(destination).pace >= 0


def test_email_may_go_to_the_owners_alone() -> None:
    service = parsed({"email_owners": {}})
    destination = Destination("email_owners")
    assert service.destination(CHANNEL) == destination
    assert NotificationService.from_destination(destination) == service


def test_slack_without_a_channel_goes_to_that_of_the_environment() -> None:
    assert parsed({"slack": {}}).destination(CHANNEL) == Destination("slack", "#alerts")


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, "none set, required is exactly one of: slack, slack_webhook, email"),
        ({"slack": {}, "log": {}}, "slack and log set"),
        ({"telegram": {}}, "unknown key, allowed is one of"),
        ({"slack": {"chanel": "x"}}, "unknown key"),
        ({"email": {"email_addresses": ["nobody"]}}, "email.email_addresses.0"),
        ({"email": {"email_addresses": []}}, "email.email_addresses"),
        (
            {"email": {"email_addresses": [f"person-{n:03}@example.com" for n in range(30)]}},
            "write the address of a list",
        ),
        (
            {"email_owners": {"default_email_addresses": ["nobody"]}},
            "email_owners.default_email_addresses.0",
        ),
        ({"pagerduty": {"integration_key": "0123456789abcdef"}}, "pagerduty.integration_key"),
        ({"microsoft_teams": {"webhook_url": "https://x.org/hook"}}, "microsoft_teams.webhook_url"),
        ({"slack": {"owner_mentions": {"team:x": "@everyone"}}}, "slack.owner_mentions.team:x"),
    ],
)
def test_an_error_names_the_field(document: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigurationError, match=expected) as refused:
        parsed(document)
    assert "alert_policies.yaml" in str(refused.value)


@pytest.mark.parametrize(
    "destination", [Destination("telegram", "x"), Destination(""), Destination("log", "x")], ids=str
)
def test_an_invalid_destination_is_refused(destination: Destination) -> None:
    with pytest.raises(ValueError, match=r"destination|no address"):
        NotificationService.from_destination(destination)


def test_nothing_is_put_into_the_outbox_for_a_service_that_does_not_exist() -> None:
    import sqlalchemy as sa

    with (
        sa.create_engine("sqlite://").connect() as connection,
        pytest.raises(ValueError, match="is not a destination"),
    ):
        add_message(connection, 1, Destination("telegram", "x"), None, now=0.0)
