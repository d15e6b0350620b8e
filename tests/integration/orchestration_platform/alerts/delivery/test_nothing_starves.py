"""A run, row or message with an error delays no other."""

import sqlite3
import time
from collections.abc import Sequence

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.conftest import Watch, send_all
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    escalated,
    pass_time,
)
from tests.integration.orchestration_platform.alerts.delivery.test_escalation import (
    policies as escalating,
)
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.memory import Memory
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.state import listed_messages
from orchestration_platform.alerts.outbox.tables import INCIDENTS, MESSAGES
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.sources.runs.unreadable import MOST_ATTEMPTS
from orchestration_platform.alerts.workspace.asset_graph import AssetFacts, AssetGraph
from orchestration_platform.alerts.workspace.webserver import Answer
from sandboxes.slack.server import SlackServer

OF_ANOTHER_RELEASE = '{"colour": "red"}'


@pytest.fixture
def database(instance: dg.DagsterInstance) -> Database:
    return Database(database_url(instance))


def reported(slack: SlackServer) -> list[str]:
    return [head.shown.split("`")[1] for head in slack.heads]


def test_a_run_that_cannot_be_read_is_reported_after_a_few_passes_and_stops_no_other(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    damaged = fail(instance)
    fail(instance, other_job)
    log = f"{instance.root_directory}/history/runs/{damaged}.db"
    with sqlite3.connect(log) as connection:
        damage = "update event_logs set event = '{' where dagster_event_type = 'STEP_FAILURE'"
        assert connection.execute(damage).rowcount == 1
    connection.close()
    for _ in range(MOST_ATTEMPTS - 1):
        with pytest.raises(ExceptionGroup):
            watch()
        assert reported(slack) == []
    assert watch().failures == 2
    assert reported(slack) == ["plain_job", "other_job"]
    assert "the run could not be read" in slack.heads[0].shown
    assert watch().failures == 0


WEBSERVER = "http://127.0.0.1:9"


@dg.asset
def shelves() -> None:
    raise ValueError("12 shelves are empty")


def of_runs_and_of(selection: str) -> Sequence[Policy]:
    """A policy of any run, and one of the selected assets, elsewhere: a run explains its assets."""
    target = {"asset_selection_target": {"asset_selection": selection}}
    of_assets = {"event_types": ["ASSET_MATERIALIZATION_FAILURE"], "alert_targets": [target]}
    elsewhere = {"slack": {"slack_channel_name": "#assets"}}
    documents = [
        {
            "name": "runs",
            "enabled": True,
            "event_types": ["JOB_FAILURE"],
            "notification_service": {"slack": {}},
        },
        {"name": "assets", "enabled": True, "notification_service": elsewhere, **of_assets},
    ]
    return AlertPolicies.model_validate({"alert_policies": documents}).in_force


def know(memory: Memory, monkeypatch: pytest.MonkeyPatch, *tags: tuple[str, str]) -> None:
    """Simulate the webserver's answer about an asset with these tags."""
    known = AssetFacts(
        key="elsewhere",
        location="shop",
        group="stock",
        owners=(),
        tags=tags,
        kinds=(),
        upstream=(),
        is_made_here=True,
    )
    memory.assets.answers[WEBSERVER] = Answer(time.monotonic(), AssetGraph([known]))
    monkeypatch.setenv("DAGSTER_WEBSERVER_URL", WEBSERVER)


def test_a_selection_that_cannot_be_resolved_matches_every_asset_and_the_pass_reports_it(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    memory: Memory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    know(memory, monkeypatch, ("tier", "made of: gold"))
    policies = of_runs_and_of("key:shelves")
    watch(policies)
    dg.materialize([shelves], instance=instance, raise_on_error=False)
    fail(instance, other_job)
    summary = str(watch(policies))
    assert "asset_selection 'key:shelves' is treated as every asset: Dagster" in summary
    assert sorted(reported(slack)) == ["other_job", "shelves", "shelves"]


def test_a_target_that_fails_matches_and_is_reported_and_stops_no_other_policy(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    memory: Memory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def raising(_graph: AssetGraph, _selection: str) -> frozenset[str]:
        raise RuntimeError("nobody has thought of this")

    know(memory, monkeypatch)
    monkeypatch.setattr(AssetGraph, "select", raising)
    policies = of_runs_and_of("key:shelves")
    watch(policies)
    for _ in range(2):
        dg.materialize([shelves], instance=instance, raise_on_error=False)
    fail(instance, other_job)
    with pytest.raises(ExceptionGroup) as raised:
        watch(policies)
    [error] = raised.value.exceptions
    assert str(error) == "nobody has thought of this"
    assert "the policy 'assets' covers it" in error.__notes__[0]
    assert sorted(reported(slack)) == ["other_job", "shelves", "shelves"]
    assert watch(policies).failures == 0


@on_both_databases
def test_a_tag_that_is_no_number_is_no_reason_to_be_silent(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    tags = {"dagster/max_retries": "three", "dagster/retry_number": "one"}
    say(instance, "the census is bad", {**tags, "dagster/parent_run_id": "x" * 300})
    watch()
    assert reported(slack) == ["told_job"]


@on_both_databases
def test_a_row_that_cannot_be_read_is_reported_from_its_other_columns(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, database: Database
) -> None:
    slack.faults.append("is_archived")
    say(instance, "the census is bad")
    fail(instance, other_job)
    watch(escalating(), seconds=0.0)
    with database.transaction() as connection:
        first = INCIDENTS.c.subject == "told_job"
        damage = {"facts": OF_ANOTHER_RELEASE, "latest": "nothing"}
        assert connection.execute(sa.update(INCIDENTS).where(first).values(damage)).rowcount
    assert watch(escalating()).outbox.waiting == 0
    assert sorted(reported(slack)) == ["other_job", "told_job"]
    [damaged] = [head for head in slack.heads if "told_job" in head.shown]
    assert "which this release cannot read" in damaged.shown
    pass_time(instance)
    watch(escalating())
    assert len(escalated(slack)) == 2
    say(instance, "the census is bad")
    say(instance, None)
    watch(escalating())
    assert "(recovered)" in damaged.shown


def test_an_entry_that_cannot_be_read_is_given_up_and_the_others_are_sent(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, database: Database
) -> None:
    say(instance, "the census is bad")
    fail(instance, other_job)
    watch(seconds=0.0)
    with database.transaction() as connection:
        entries = sa.select(sa.func.min(MESSAGES.c.id)).where(MESSAGES.c.kind == "entry")
        first = MESSAGES.c.id == entries.scalar_subquery()
        connection.execute(sa.update(MESSAGES).where(first).values(body=OF_ANOTHER_RELEASE))
    done = watch()
    assert (done.outbox.failed, done.outbox.waiting) == (1, 0)
    assert [len(slack.thread(head)) for head in slack.heads] == [0, 1]


def test_a_question_that_slack_refuses_stops_no_message_and_people_are_called(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    fail(instance)
    watch(escalating())
    pass_time(instance)
    slack.reading_error = "invalid_arguments"
    fail(instance, other_job)
    done = watch(escalating())
    assert done.escalated == 1
    assert "invalid_arguments" in str(done)
    assert "other_job" in reported(slack)


def test_a_message_that_makes_slack_fail_waits_behind_the_others(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, database: Database
) -> None:
    slack.broken_text = "poison"
    say(instance, "poison in the census")
    fail(instance)
    fail(instance, other_job)
    until = time.monotonic() + 60
    while len(slack.messages) < 4:
        assert time.monotonic() < until, reported(slack)
        watch(seconds=0.5)
    assert sorted(reported(slack)) == ["other_job", "plain_job"]
    slack.broken_text = None
    send_all(watch)
    assert len(slack.heads) == 3


@on_both_databases
def test_an_answer_that_no_database_can_store_holds_up_no_message(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, database: Database
) -> None:
    slack.faults.append("no\0thing")
    fail(instance)
    watch(seconds=0.05)
    with database.transaction() as connection:
        [error] = [row["error"] for row in listed_messages(connection, limit=9) if row["error"]]
    assert "Slack answered nothing" in error
    assert watch().outbox.waiting == 0


def test_a_message_that_was_given_up_is_sent_again_with_the_next_failure(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slack.faults.extend(["invalid_blocks", "msg_too_long"])
    fail(instance)
    assert watch().outbox.failed == 2
    fail(instance)
    watch()
    assert slack.heads == []
    fail(instance)
    watch(between_entries=0.0)
    [head] = slack.heads
    assert "failed 3 times" in head.shown
    assert [entry.text.endswith("3 times") for entry in slack.thread(head)] == [True]


def renamed(**options: object) -> list[AlertPolicies]:
    documents = [
        {
            "name": name,
            "enabled": True,
            "event_types": ["JOB_FAILURE"],
            "notification_service": {"slack": {}},
            "policy_options": options,
        }
        for name in ("old", "new")
    ]
    return [AlertPolicies.model_validate({"alert_policies": [one]}) for one in documents]


def test_a_failure_that_waits_for_a_retry_is_reported_though_its_policy_has_another_name(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    old, new = (file.in_force for file in renamed(announce="retries_exhausted"))
    run_id = say(instance, "the census is bad")
    instance.add_run_tags(run_id, {"dagster/will_retry": "true"})
    watch(old)
    watch(new)
    assert slack.heads == []
    instance.add_run_tags(run_id, {"dagster/will_retry": "false"})
    for _ in range(2):
        watch(new)
    assert reported(slack) == ["told_job"]


def test_a_message_of_a_policy_that_is_gone_does_not_go_on_saying_that_it_fails(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    old, new = (file.in_force for file in renamed())
    say(instance, "the census is bad")
    watch(old)
    say(instance, None)
    watch(new)
    [head] = slack.heads
    assert "(recovered)" in head.shown
    # nobody is notified of incidents of a removed policy
    assert len(slack.thread(head)) == 1
