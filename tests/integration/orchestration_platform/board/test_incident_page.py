"""The page of an incident, on which people acknowledge and resolve it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from orchestration_platform.alerts.control.incidents import shown_incident
from orchestration_platform.alerts.facts.alert import Alert, Problem, Severity
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.policies_in_force import policies_in_force
from orchestration_platform.alerts.outbox.tables import (
    ACTIONS,
    DELIVERIES,
    FURTHER_POLICIES,
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
)
from orchestration_platform.alerts.policies.policy import AlertPolicies
from orchestration_platform.board.board import KeptState
from orchestration_platform.web.board_pages import BoardPages
from orchestration_platform.web.login.person import Grant, Person, Role, set_person

NOW = datetime.now(UTC).timestamp()
WIKI = "https://wiki.example.com/nightly"


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An outbox with an open incident, and one that it explains."""
    alert = Alert(
        event_type="JOB_FAILURE", severity=Severity.ERROR, kind="Job", subject="nightly",
        at=NOW - 60, location="shop", run_id="0123456789", job_name="nightly",
        problems=(Problem("load", "ValueError", "no <b>file</b>", "", ""),),
    )  # fmt: skip
    database = Database(f"sqlite:///{tmp_path}/outbox.db")
    with database.transaction() as connection:
        connection.execute(INCIDENTS.insert().values(
            policy="slack_on_run_failure", fingerprint=alert.fingerprint, location="shop",
            subject="nightly", event_type="JOB_FAILURE", service="slack", address="#data",
            first_at=NOW - 3600, last_at=NOW - 60, occurrences=2, facts=alert.to_json(),
            latest=alert.to_json(), version=2, changed_at=NOW - 60, last_entry_at=0.0,
            escalations=0,
        ))  # fmt: skip
        for number in (1, 2):
            connection.execute(OCCURRENCES.insert().values(
                policy="slack_on_run_failure", key=f"run-{number}", chain=f"run-{number}",
                state="counted", incident_id=1, at=NOW - 60 * number,
            ))  # fmt: skip
        connection.execute(MESSAGES.insert().values(
            key="one", incident_id=1, service="slack", address="#data", kind="head",
            state="delivered", sent_version=2, plain=False, unsure=False, attempts=3,
            created_at=NOW - 3600, delivered_at=NOW - 3500,
        ))  # fmt: skip
        connection.execute(DELIVERIES.insert().values(
            message_id=1, recipient="ada@example.com", state="failed", note="owner of prices",
            error="mailbox is full",
        ))  # fmt: skip
        connection.execute(FURTHER_POLICIES.insert().values(incident_id=1, policy="of_the_night"))
        check = replace(alert, event_type="ASSET_CHECK_SEVERITY_ERROR", subject="not_empty")
        connection.execute(INCIDENTS.insert().values(
            policy="slack_on_failing_check", fingerprint=check.fingerprint, location="shop",
            subject="not_empty", event_type=check.event_type, service="slack", address="#data",
            first_at=NOW - 50, last_at=NOW - 50, occurrences=1, facts=check.to_json(),
            latest=check.to_json(), version=1, changed_at=NOW - 50, last_entry_at=0.0,
            escalations=0,
        ))  # fmt: skip
        connection.execute(OCCURRENCES.insert().values(
            policy="slack_on_failing_check", key="check-1", chain="check-1", state="counted",
            incident_id=2, at=NOW - 50, cause_id=1,
        ))  # fmt: skip
        connection.execute(MESSAGES.insert().values(
            key="two", incident_id=2, service="slack", address="#data", kind="head",
            state="suppressed", sent_version=1, plain=False, unsure=False, attempts=0,
            created_at=NOW - 50, cause_id=1,
        ))  # fmt: skip
    return database


@pytest.fixture
def client(database: Database) -> Iterator[TestClient]:
    @contextmanager
    def no_workspace(_request: Any) -> Iterator[Any]:
        raise AssertionError("the page of an incident needs no workspace")
        yield

    pages = BoardPages(database, KeptState(), no_workspace, "")
    served = Starlette(routes=pages.routes)

    async def after_the_gate(scope: Scope, receive: Receive, send: Send) -> None:
        name = dict(scope.get("headers", ())).get(b"person", b"ada").decode()
        at = dict(scope.get("headers", ())).get(b"location", b"shop").decode()
        set_person(scope, Person(name, (Grant(Role.LAUNCHER, frozenset({at})),)))
        await served(scope, receive, send)

    with TestClient(after_the_gate) as found:
        yield found


def actions(database: Database) -> list[tuple[str, str, str]]:
    with database.transaction() as connection:
        columns = ACTIONS.c.person, ACTIONS.c.action, ACTIONS.c.reason
        return [tuple(row) for row in connection.execute(sa.select(*columns))]


def test_the_page_shows_all_that_the_command_shows(client: TestClient, database: Database) -> None:
    html = client.get("/board/incidents/1").text
    with database.transaction() as connection:
        shown = shown_incident(connection, 1, now=NOW)
    for one in shown["occurrences_by_key"]:
        assert one["key"] in html
    for one in shown["messages"]:
        for text in (one["destination"], one["state"], str(one["attempts"])):
            assert text in html
        for to in one["recipients"]:
            assert all(to[name] in html for name in ("recipient", "state", "note", "error"))
    for name in ("event_type", "severity", "location", "subject", "destination"):
        assert shown[name] in html
    assert ", ".join(shown["policies"]) == "slack_on_run_failure, of_the_night"
    assert "<dd>slack_on_run_failure, of_the_night</dd>" in html
    [explained] = shown["suppresses"]
    assert f'<a href="/board/incidents/{explained["incident"]}">#2</a>' in html
    for name in ("event_type", "subject", "key", "state"):
        assert explained[name] in html
    assert "<dt>Occurrences</dt><dd>2</dd>" in html
    assert "no &lt;b&gt;file" in html
    assert 'href="/runs/0123456789"' in html


def test_the_page_leads_from_a_consequence_to_its_cause(client: TestClient) -> None:
    html = client.get("/board/incidents/2").text
    assert '<dt>Suppressed by</dt><dd><a href="/board/incidents/1">#1</a></dd>' in html


@pytest.mark.parametrize(
    ("of_job", "of_policy", "shown"),
    [
        (WIKI, "https://of.policy", f'<a href="{WIKI}">{WIKI}</a>'),
        ("", WIKI, f'<a href="{WIKI}">{WIKI}</a>'),
        ("ring <the> desk", None, "ring &lt;the&gt; desk"),
        ("javascript:alert(1)", None, "javascript:alert(1)"),
    ],
)
def test_what_to_do_is_that_of_the_job_or_else_of_a_policy(
    client: TestClient, database: Database, of_job: str, of_policy: str | None, shown: str
) -> None:
    policies_in_force(database, AlertPolicies.model_validate({"alert_policies": [{
        "name": "of_the_night", "enabled": True, "event_types": ["JOB_FAILURE"],
        "notification_service": {"log": {}}, "policy_options": {"runbook_url": of_policy},
    }]}))  # fmt: skip
    with database.transaction() as connection:
        [alert] = connection.execute(sa.select(INCIDENTS.c.latest).where(INCIDENTS.c.id == 1)).one()
        latest = replace(Alert.from_json(alert), runbook=of_job).to_json()
        connection.execute(sa.update(INCIDENTS).where(INCIDENTS.c.id == 1).values(latest=latest))
    assert f"<dt>Runbook</dt><dd>{shown}</dd>" in client.get("/board/incidents/1").text


def test_a_person_acknowledges_and_then_resolves_with_a_reason(
    client: TestClient, database: Database
) -> None:
    html = client.post("/board/incidents/1", data={"action": "ack"}).text
    assert re.search("Acknowledged</dt><dd>by ada,", html)
    assert '"ack"' not in html

    # a name in the form is not the one of the person who sends it
    fields = {"action": "resolve", "by": "eve", "reason": "the file & its copy came"}
    html = client.post("/board/incidents/1", data=fields, headers={"person": "bob"}).text
    assert "over since" in html
    assert "resolved by bob: the file &amp; its copy came" in html
    assert "<form" not in html
    assert actions(database) == [("ada", "ack", ""), ("bob", "resolve", fields["reason"])]
    with database.transaction() as connection:
        assert connection.execute(
            sa.select(INCIDENTS.c.recovered_at).where(INCIDENTS.c.id == 1)
        ).scalar_one()


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"action": "resolve", "reason": " "}, "enter the reason"),
        ({"action": "delete", "reason": "the <file>"}, "allowed are ack and resolve"),
    ],
)
def test_what_cannot_be_done_is_explained_beside_what_was_entered(
    client: TestClient, database: Database, fields: dict[str, str], problem: str
) -> None:
    answer = client.post("/board/incidents/1", data=fields)
    assert answer.status_code == 422
    assert problem in answer.text
    assert f'value="{escape(fields["reason"])}"' in answer.text
    assert actions(database) == []


def test_a_launcher_of_another_location_changes_nothing(
    client: TestClient, database: Database
) -> None:
    for fields in ({"action": "ack"}, {"action": "resolve", "reason": "mine"}):
        answer = client.post("/board/incidents/1", data=fields, headers={"location": "market"})
        assert answer.status_code == 403
        assert "the role launcher at shop" in answer.text
    assert actions(database) == []


def test_an_incident_that_is_unknown_is_not_found(client: TestClient) -> None:
    for answer in (
        client.get("/board/incidents/7"),
        client.post("/board/incidents/7", data={"action": "ack"}),
    ):
        assert answer.status_code == 404
        assert "there is no incident 7" in answer.text
