"""E-mail to the owners of an asset that has failed."""

from collections.abc import Sequence

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.test_escalation_elsewhere import send_e_mail_to
from tests.integration.orchestration_platform.alerts.test_service_email import (
    Mailbox,
    Servers,
    certificate,
    mailbox,
    servers,
    text_of,
)

from orchestration_platform.alerts.database import database_url
from orchestration_platform.alerts.outbox_state import listed_messages
from orchestration_platform.alerts.policies import AlertPolicies, Policy
from orchestration_platform.alerts.watch import open_database
from orchestration_platform.alerts.workspace import Workspace

__all__ = ["certificate", "mailbox", "servers"]

pytestmark = pytest.mark.usefixtures("only_these_secrets")

ANA, BO, DEFAULT, TEAM = "ana@example.com", "bo@example.com", "data@example.com", "team:shop"


@dg.asset
def shelves() -> None:
    raise ValueError("12 shelves are empty")


def policies(**email_owners: Sequence[str]) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["ASSET_MATERIALIZATION_FAILURE"],
        "notification_service": {"email_owners": email_owners},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


@pytest.mark.parametrize(
    ("owners", "told"),
    [((ANA, TEAM, BO), [ANA, BO]), ((TEAM,), [DEFAULT]), ((), [DEFAULT])],
    ids=["owners", "a team has no address", "no owner"],
)
def test_owners_are_told_and_others_where_none_has_an_address(
    owners: tuple[str, ...],
    told: list[str],
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets: owners)
    asked = policies(default_email_addresses=[DEFAULT])
    watch(asked)
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    watch(asked)
    [sent] = mailbox.emails
    assert mailbox.recipients == [told]
    assert "12 shelves are empty" in text_of(sent, "plain")


def test_where_nobody_has_an_address_it_is_listed_as_failed_with_what_to_do(
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    watch(policies())
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    assert watch(policies()).outbox.failed == 1
    assert mailbox.emails == []
    with open_database(database_url(instance)).transaction() as connection:
        listed = str(listed_messages(connection, limit=5))
    assert "no owner of shelves has an address: give it one, or the policy" in listed
