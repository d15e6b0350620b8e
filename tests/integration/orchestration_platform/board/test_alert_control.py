"""The page on which people mute, drop, redirect and test does what the commands do."""

import getpass
import shutil
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from starlette.applications import Starlette
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send
from tests.integration.orchestration_platform.board.test_pages import HOSTS, NO_LOGIN, ORIGIN

from orchestration_platform.alerts.control.trial_message import policy_named
from orchestration_platform.alerts.facts.alert import Alert, Severity
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import ACTIONS, INCIDENTS, MESSAGES, MUTES
from orchestration_platform.alerts.policies.policy import load_file
from orchestration_platform.alerts.services.slack.web_api import SlackWebApi
from orchestration_platform.health.trial_message_job import alert_test_job
from orchestration_platform.web.alert_control import PATH, AlertControl
from orchestration_platform.web.login.person import Grant, Person, Role, set_person
from orchestration_platform.web.server import PlatformWebserver
from sandboxes.slack.server import TOKEN, slack_server
from shared_lib.configuration.environment import current_settings
from shared_lib.secrets import SecretsResource

REPOSITORY = Path(__file__).parents[4]
LOCATION = """
import dagster as dg
from orchestration_platform.health.trial_message_job import alert_test_job
from orchestration_platform.resources import RESOURCES

defs = dg.Definitions(jobs=[alert_test_job], resources=RESOURCES)
"""
WORKSPACE = """
load_from:
  - python_file: {relative_path: location.py, location_name: orchestration_platform}
"""
NOW = datetime.now(UTC).timestamp()
POLICY = "slack_on_run_failure"
WHY = "the <file> is late"
EVERYWHERE = {"location": ""}
ELSEWHERE = {"location": "market"}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    """An outbox with a message that waits for a channel that was archived."""
    alert = Alert(
        event_type="JOB_FAILURE", severity=Severity.ERROR, kind="Job", subject="nightly",
        at=NOW - 60, location="shop", run_id="0123456789", job_name="nightly",
    ).to_json()  # fmt: skip
    found = Database(f"sqlite:///{tmp_path}/outbox.db")
    with found.transaction() as connection:
        connection.execute(INCIDENTS.insert().values(
            policy=POLICY, fingerprint="1", location="shop", subject="nightly",
            event_type="JOB_FAILURE", service="slack", address="#gone", first_at=NOW - 3600,
            last_at=NOW - 60, occurrences=2, facts=alert, latest=alert, version=2,
            changed_at=NOW - 60, last_entry_at=0.0, escalations=0,
        ))  # fmt: skip
        connection.execute(MESSAGES.insert().values(
            key="one", incident_id=1, service="slack", address="#gone", kind="head",
            state="waiting", sent_version=0, plain=False, unsure=False, attempts=3,
            created_at=NOW - 3600,
        ))  # fmt: skip
    return found


@pytest.fixture
def client(database: Database, workspace: WorkspaceProcessContext) -> Iterator[TestClient]:
    """The page behind a gate that believes the headers ``person`` and ``location``."""

    def ask(**_request: Any) -> Any:
        raise AssertionError("nothing is launched")

    control = AlertControl(
        database, lambda _request: nullcontext(workspace.create_request_context()), ask
    )
    served = Starlette(routes=control.routes)

    async def after_the_gate(scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        at = headers.get(b"location", b"").decode()
        grant = Grant(Role.LAUNCHER, frozenset({at}) if at else None)
        set_person(scope, Person(headers.get(b"person", b"ada").decode(), (grant,)))
        await served(scope, receive, send)

    with TestClient(after_the_gate) as found:
        yield found


def rows(database: Database, *columns: sa.Column[Any]) -> list[tuple[Any, ...]]:
    with database.transaction() as connection:
        return [tuple(row) for row in connection.execute(sa.select(*columns))]


def actions(database: Database) -> list[tuple[Any, ...]]:
    return rows(database, ACTIONS.c.person, ACTIONS.c.action, ACTIONS.c.target, ACTIONS.c.reason)


def done(client: TestClient, headers: Mapping[str, str] = EVERYWHERE, **fields: str) -> str:
    answer = client.post(PATH, data={"reason": WHY, **fields}, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.text.partition('role="status">Done: ')[2].partition("</p>")[0]


@pytest.mark.parametrize(
    ("subject", "named"),
    [
        ({"job": "nightly", "location": "shop"}, "job nightly of code location shop"),
        ({"asset": "prices"}, "asset prices"),
        ({"policy": POLICY}, f"policy {POLICY}"),
        ({"location": "tills"}, "code location tills"),
    ],
)
def test_what_is_muted_is_listed_with_who_why_and_until_when(
    client: TestClient, database: Database, subject: dict[str, Any], named: str
) -> None:
    text = done(client, action="mute", duration="3d", **subject)
    assert text.startswith(f"{named} is muted by ada until ")
    assert text.endswith(": the &lt;file&gt; is late")
    [(since, until)] = rows(database, MUTES.c.muted_at, MUTES.c.muted_until)
    assert until - since == 3 * 86400
    page = client.get(PATH).text
    row = page[page.index(f'<td class="name">{named}</td>') :].partition("</tr>")[0]
    assert f"{datetime.fromtimestamp(until, UTC):%Y-%m-%d %H:%M}" in row
    assert "ada" in row
    assert "the &lt;file&gt; is late" in row
    assert actions(database) == [("ada", "mute", named, WHY)]


def test_a_mute_suppresses_what_waits_and_ends_by_hand(
    client: TestClient, database: Database
) -> None:
    done(client, action="mute", duration="2h", job="nightly")
    assert rows(database, MESSAGES.c.state) == [("suppressed",)]
    text = done(client, {"person": "bob"}, action="unmute", number="1")
    assert text == "the mute of job nightly is ended by bob: the &lt;file&gt; is late"
    assert "had ended before: nothing has changed" in done(client, action="unmute", number="1")
    assert 'value="unmute"' not in client.get(PATH).text
    assert [(who, what) for who, what, *_ in actions(database)] == [
        ("ada", "mute"), ("bob", "unmute"),
    ]  # fmt: skip


def test_what_waits_is_dropped(client: TestClient, database: Database) -> None:
    page = client.get(PATH).text
    assert '<td class="name">slack:#gone</td><td class="number">1</td>' in page
    text = done(client, action="drop", destination="slack:#gone")
    assert text.startswith("1 messages and updates for slack:#gone dropped by ada")
    assert rows(database, MESSAGES.c.state) == [("dropped",)]
    assert actions(database) == [("ada", "drop", "slack:#gone", WHY)]
    assert '<form method="post" action="/board/alerts" aria-labelledby="waiting">' not in (
        client.get(PATH).text
    )


def test_what_waits_is_redirected(client: TestClient, database: Database) -> None:
    service = policy_named(POLICY, load_file().alert_policies).notification_service
    target = str(service.destination(current_settings().alert_channel))
    text = done(client, action="redirect", destination="slack:#gone", target=target)
    assert text.startswith(f"1 messages and updates for slack:#gone redirected to {target} by ada")
    assert sorted(state for (state,) in rows(database, MESSAGES.c.state)) == [
        "redirected", "waiting",
    ]  # fmt: skip
    assert f'<td class="name">{target}</td><td class="number">1</td>' in client.get(PATH).text
    assert actions(database) == [("ada", "redirect", f"slack:#gone to {target}", WHY)]


def test_a_run_that_carries_the_person_sends_a_test_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(REPOSITORY / "dagster.local.yaml", tmp_path / "dagster.yaml")
    (tmp_path / "location.py").write_text(LOCATION)
    (tmp_path / "workspace.yaml").write_text(WORKSPACE)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with (
        dg.DagsterInstance.get() as instance,
        WorkspaceProcessContext(
            instance, WorkspaceFileTarget([str(tmp_path / "workspace.yaml")])
        ) as context,
        TestClient(
            PlatformWebserver(context, HOSTS, NO_LOGIN).create_asgi_app(), base_url=ORIGIN
        ) as client,
    ):
        text = done(client, action="test", policy=POLICY)
        [run] = instance.get_runs()
        assert text == f"run {run.run_id} sends a test message of {POLICY}"
        assert run.job_name == alert_test_job.name
        assert run.tags["user"] == getpass.getuser()
        config = {"policy": POLICY, "reason": WHY}
        assert run.run_config == {"ops": {"send_test_message": {"config": config}}}

        # one of another site is stopped at the front door
        fields = {"action": "test", "policy": POLICY, "reason": WHY}
        answer = client.post(PATH, data=fields, headers={"Origin": "https://evil.test"})
        assert answer.status_code == 403
        assert len(instance.get_runs()) == 1


def test_the_run_sends_the_message_as_the_person_who_launched_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORCHESTRATION_PLATFORM_SLACK__TOKEN", TOKEN)
    with (
        slack_server(seconds_between_messages=0.0) as slack,
        dg.DagsterInstance.local_temp(str(tmp_path)) as instance,
    ):
        resources = {
            "secrets": SecretsResource(location="orchestration_platform"),
            "slack": SlackWebApi(api_url=slack.url),
        }
        config = {"policy": POLICY, "reason": WHY}
        result = alert_test_job.execute_in_process(
            {"ops": {"send_test_message": {"config": config}}},
            instance=instance,
            resources=resources,
            tags={"user": "ada"},
        )
        assert result.success
        [message] = slack.messages
        assert "TEST" in message.text
        assert "ada: the &lt;file&gt; is late" in message.shown


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"action": "mute", "duration": "2h", "job": "nightly", "reason": " "}, "enter the reason"),
        ({"action": "mute", "duration": "2h"}, "nothing is named"),
        ({"action": "mute", "duration": "2h", "job": "nightli"}, "did you mean nightly"),
        ({"action": "mute", "duration": "2h", "asset": "price"}, "did you mean prices"),
        ({"action": "mute", "duration": "two", "job": "nightly"}, "&#39;two&#39; is not a dur"),
        ({"action": "mute", "duration": "90d", "job": "nightly"}, "more than 31 days"),
        ({"action": "unmute", "number": "7"}, "there is no mute 7"),
        ({"action": "unmute", "number": "one"}, "is not the number of a mute"),
        ({"action": "drop", "destination": "slack:#gon"}, "slack:#gone"),
        (
            {"action": "redirect", "destination": "slack:#gone", "target": ""},
            "is not a destination",
        ),
        ({"action": "redirect", "destination": "slack:#gone", "target": "slack:#gone"}, "is both"),
        ({"action": "test", "policy": "slack_on_run_failur"}, f"did you mean {POLICY}"),
        ({"action": "delete"}, "allowed are mute, unmute, drop, redirect, test"),
    ],
)
def test_what_cannot_be_done_is_explained_beside_what_was_entered(
    client: TestClient, database: Database, fields: dict[str, str], problem: str
) -> None:
    answer = client.post(PATH, data={"reason": WHY, **fields})
    assert answer.status_code == 422
    assert problem in answer.text.partition('role="alert">')[2].partition("</p>")[0]
    for name in ("job", "asset", "duration"):
        if name in fields:
            assert f'name="{name}"' in answer.text
            assert f'value="{fields[name]}"' in answer.text
    assert actions(database) == []
    assert rows(database, MESSAGES.c.state) == [("waiting",)]


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"action": "mute", "duration": "2h", "job": "nightly"}, "every code location"),
        ({"action": "mute", "duration": "2h", "job": "nightly", "location": "shop"}, "shop"),
        ({"action": "unmute", "number": "1"}, "shop"),
        ({"action": "drop", "destination": "slack:#gone"}, "every code location"),
        ({"action": "redirect", "destination": "slack:#gone", "target": "log"}, "every"),
        ({"action": "test", "policy": POLICY}, "orchestration_platform"),
    ],
)
def test_a_launcher_of_another_location_changes_nothing(
    client: TestClient,
    database: Database,
    fields: dict[str, str],
    where: str,
) -> None:
    done(client, {"location": "shop"}, action="mute", duration="2h", location="shop")
    before = actions(database), rows(database, MESSAGES.c.state), rows(database, MUTES.c.ended_at)
    answer = client.post(PATH, data={"reason": WHY, **fields}, headers=ELSEWHERE)
    assert answer.status_code == 403
    assert f"this needs the role launcher at {where}" in answer.text
    after = actions(database), rows(database, MESSAGES.c.state), rows(database, MUTES.c.ended_at)
    assert after == before
