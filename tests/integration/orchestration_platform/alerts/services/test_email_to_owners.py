"""E-mail to the owners of an asset that has failed."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.stages import Pass
from orchestration_platform.alerts.workspace.asset_graph import AssetFacts, AssetGraph
from orchestration_platform.alerts.workspace.webserver import Answer, Workspace
from sandboxes.ports import reserved_port
from sandboxes.smtp import Mailbox, text_of

pytestmark = pytest.mark.usefixtures("mail_server")

ANA, BO, DEFAULT, TEAM = "ana@example.com", "bo@example.com", "data@example.com", "team:shop"


@pytest.fixture
def webserver(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a webserver that is away, and has never answered this process."""
    url = f"http://127.0.0.1:{reserved_port()}"
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", url)
    return url


def comes_back(memory: Memory, webserver: str, *owners: str) -> None:
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
    memory.assets.answers[webserver] = Answer(time.monotonic(), AssetGraph([known]))


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


Failing = Callable[..., Pass]


@pytest.fixture
def failing(instance: dg.DagsterInstance, watch: Watch) -> Failing:
    """Lets the asset fail; returns the pass that reports it."""

    def run(asked: list[Policy], **named: float) -> Pass:
        watch(asked)
        dg.materialize([shelves], instance=instance, raise_on_error=False)
        return watch(asked, **named)

    return run


def owned_by(patch: pytest.MonkeyPatch, *owners: str) -> None:
    """Simulate the webserver's answer."""
    patch.setattr(Workspace, "owners_of", lambda _self, _assets: owners)


@pytest.mark.parametrize(
    ("owners", "reported"),
    [((ANA, TEAM, BO), [ANA, BO]), ((TEAM,), [DEFAULT]), ((), [DEFAULT])],
    ids=["owners", "a team has no address", "no owner"],
)
def test_owners_are_notified_and_others_where_no_owner_has_an_address(
    owners: tuple[str, ...],
    reported: list[str],
    failing: Failing,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owned_by(monkeypatch, *owners)
    failing(policies(default_email_addresses=[DEFAULT]))
    assert mailbox.recipients == [[address] for address in reported]
    [sent, *_] = mailbox.emails
    assert "12 shelves are empty" in text_of(sent, "plain")


def test_an_owner_who_is_refused_for_now_is_notified_in_the_end_and_nobody_twice(
    failing: Failing, mailbox: Mailbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox.not_yet = {BO: 2}
    owned_by(monkeypatch, ANA, BO)
    assert failing(policies()).outbox.waiting == 0
    assert mailbox.recipients == [[ANA], [BO]]


def test_where_nobody_has_an_address_it_is_listed_as_failed_with_what_to_do(
    failing: Failing,
    instance: dg.DagsterInstance,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owned_by(monkeypatch)
    assert failing(policies()).outbox.failed == 1
    assert mailbox.emails == []
    problem = "no owner of shelves has an address: give it one, or the policy"
    assert problem in listed(instance)


@pytest.mark.parametrize("others", [[], [DEFAULT]], ids=["nobody else", "others"])
def test_while_the_webserver_is_away_an_email_waits_until_the_owners_are_known(
    others: list[str],
    webserver: str,
    failing: Failing,
    watch: Watch,
    memory: Memory,
    mailbox: Mailbox,
) -> None:
    asked = policies(default_email_addresses=others)
    waiting = failing(asked, seconds=0.5)
    assert (waiting.outbox.waiting, waiting.outbox.failed) == (1, 0)
    assert "who owns shelves is not known: Dagster's webserver has not answered" in str(waiting)
    comes_back(memory, webserver, ANA)
    watch(asked)
    assert mailbox.recipients == [[ANA]]


@pytest.mark.usefixtures("webserver")
def test_the_default_addresses_do_not_wait_long_for_the_owners(
    failing: Failing,
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
) -> None:
    asked = policies(default_email_addresses=[DEFAULT])
    failing(asked, seconds=0.0)
    a_quarter_of_an_hour_goes_by(instance)
    watch(asked)
    assert mailbox.recipients == [[DEFAULT]]
    assert "who the owners are was not known" in listed(instance)


def test_without_the_address_of_a_webserver_others_are_notified_at_once(
    failing: Failing, mailbox: Mailbox
) -> None:
    failing(policies(default_email_addresses=[DEFAULT]))
    assert mailbox.recipients == [[DEFAULT]]


@pytest.mark.parametrize("later", [(BO,), (), None], ids=["another", "none", "webserver away"])
def test_a_reply_goes_to_the_recipients_of_the_first_message(
    later: tuple[str, ...] | None,
    failing: Failing,
    instance: dg.DagsterInstance,
    watch: Watch,
    mailbox: Mailbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = policies(default_email_addresses=[DEFAULT])
    for owners in ((ANA, TEAM), later):
        monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets, found=owners: found)
        failing(asked)

    @dg.asset(name="shelves")
    def filled() -> None: ...

    dg.materialize([filled], instance=instance)
    watch(asked)
    assert mailbox.recipients == [[ANA], [ANA]]
    assert mailbox.emails[1]["In-Reply-To"] == mailbox.emails[0]["Message-ID"]


def a_quarter_of_an_hour_goes_by(instance: dg.DagsterInstance) -> None:
    """As if the failure had happened so long before, and a little more."""
    with Database(database_url(instance)).transaction() as connection:
        [facts] = connection.execute(sa.select(INCIDENTS.c.facts)).scalars()
        failure = Alert.from_json(facts)
        older = replace(failure, at=failure.at - 901)
        connection.execute(sa.update(INCIDENTS).values(facts=older.to_json()))


def listed(instance: dg.DagsterInstance) -> str:
    """The state of the messages in the outbox."""
    with Database(database_url(instance)).transaction() as connection:
        return str(listed_messages(connection, limit=5))
