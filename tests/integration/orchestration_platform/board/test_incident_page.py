"""The page of an incident, on which people acknowledge and resolve it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
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
from orchestration_platform.alerts.outbox.tables import (
    ACTIONS,
    DELIVERIES,
    INCIDENTS,
    MESSAGES,
    OCCURRENCES,
)
from orchestration_platform.board.board import KeptState
from orchestration_platform.web.board_pages import BoardPages
from orchestration_platform.web.login.person import Grant, Person, Role, set_person

NOW = datetime.now(UTC).timestamp()


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An outbox with one open incident."""
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
    for name in ("policy", "event_type", "severity", "location", "subject", "destination"):
        assert shown[name] in html
    assert "<dt>Occurrences</dt><dd>2</dd>" in html
    assert "no &lt;b&gt;file" in html
    assert 'href="/runs/0123456789"' in html


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
        assert connection.execute(sa.select(INCIDENTS.c.recovered_at)).scalar_one() is not None


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
