"""E-mail to the owners of an asset that has failed."""

import time
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
from tests.support.ports import free_port

from orchestration_platform.alerts import workspace
from orchestration_platform.alerts.database import database_url
from orchestration_platform.alerts.outbox_state import listed_messages
from orchestration_platform.alerts.policies import AlertPolicies, Policy
from orchestration_platform.alerts.selection import AssetFacts, AssetGraph
from orchestration_platform.alerts.services import email
from orchestration_platform.alerts.watch import open_database
from orchestration_platform.alerts.workspace import Workspace

__all__ = ["certificate", "mailbox", "servers"]

pytestmark = pytest.mark.usefixtures("only_these_secrets")

ANA, BO, DEFAULT, TEAM = "ana@example.com", "bo@example.com", "data@example.com", "team:shop"


@pytest.fixture
def webserver(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a webserver that is away, and has never answered this process."""
    monkeypatch.setattr(workspace, "_kept", {})
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    return url


def comes_back(webserver: str, *owners: str) -> None:
    """As if it had been asked again, and shelves had these owners."""
    known = AssetFacts(
        key="shelves",
        location="shop",
        group="stock",
        owners=owners,
        tags=(),
        kinds=(),
        upstream=(),
        is_made_here=True,
    )
    workspace._kept[webserver] = workspace._Kept(time.monotonic(), AssetGraph([known]))


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


def test_an_owner_who_is_refused_for_now_is_told_in_the_end_and_nobody_twice(
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    mailbox.not_yet = {BO: 2}
    send_e_mail_to(servers(), monkeypatch)
    monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets: (ANA, BO))
    watch(policies())
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    assert watch(policies()).outbox.waiting == 0
    assert mailbox.recipients == [[ANA], [BO]]


def test_where_nobody_has_an_address_it_is_listed_as_failed_with_what_to_do(
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets: ())
    watch(policies())
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    assert watch(policies()).outbox.failed == 1
    assert mailbox.emails == []
    with open_database(database_url(instance)).transaction() as connection:
        listed = str(listed_messages(connection, limit=5))
    assert "no owner of shelves has an address: give it one, or the policy" in listed


@pytest.mark.parametrize("others", [[], [DEFAULT]], ids=["nobody else", "others"])
def test_while_the_webserver_is_away_an_email_waits_for_who_the_owners_are(
    others: list[str],
    webserver: str,
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    asked = policies(default_email_addresses=others)
    watch(asked)
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    waiting = watch(asked, seconds=0.5)
    assert (waiting.outbox.waiting, waiting.outbox.failed) == (1, 0)
    assert "who owns shelves is not known: Dagster's webserver has not answered" in str(waiting)
    comes_back(webserver, ANA)
    watch(asked)
    assert mailbox.recipients == [[ANA]]


def test_who_is_to_be_told_where_there_is_no_owner_does_not_wait_for_long(
    webserver: str,
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    monkeypatch.setattr(email, "_OWNERS_AWAITED_SECONDS", 0.0)
    asked = policies(default_email_addresses=[DEFAULT])
    watch(asked)
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    watch(asked)
    assert mailbox.recipients == [[DEFAULT]]
    with open_database(database_url(instance)).transaction() as connection:
        assert "who the owners are was not known" in str(listed_messages(connection, limit=5))


def test_without_the_address_of_a_webserver_others_are_told_at_once(
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    send_e_mail_to(servers(), monkeypatch)
    asked = policies(default_email_addresses=[DEFAULT])
    watch(asked)
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    watch(asked)
    assert mailbox.recipients == [[DEFAULT]]


@pytest.mark.parametrize("later", [(BO,), (), None], ids=["another", "none", "webserver away"])
def test_an_answer_goes_to_whom_the_first_message_went(
    later: tuple[str, ...] | None,
    instance: dg.DagsterInstance,
    servers: Servers,
    mailbox: Mailbox,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    send_e_mail_to(servers(), monkeypatch)
    asked = policies(default_email_addresses=[DEFAULT])
    watch(asked)
    for owners in ((ANA, TEAM), later):
        monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets, found=owners: found)
        dg.materialize([shelves], instance=instance, raise_on_error=False)
        watch(asked)

    @dg.asset(name="shelves")
    def filled() -> None: ...

    dg.materialize([filled], instance=instance)
    watch(asked)
    assert mailbox.recipients == [[ANA], [ANA]]
    assert mailbox.emails[1]["In-Reply-To"] == mailbox.emails[0]["Message-ID"]
