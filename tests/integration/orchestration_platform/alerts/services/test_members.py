"""Owners are called in Slack by the id that belongs to their address, and no alert waits for it."""

import time
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.support.failing_jobs import fail, say

from orchestration_platform.alerts.delivery.users import (
    LIFETIME_SECONDS,
    find_users,
    known_users,
)
from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.policies.policy import AlertPolicies, Policy
from orchestration_platform.alerts.services.registry import Services
from orchestration_platform.alerts.workspace.webserver import Workspace
from sandboxes.slack.server import SlackServer

ANA, BO, CY, TEAM = "ana@example.com", "bo@example.com", "cy@example.com", "team:platform"


def policies(**slack: Any) -> list[Policy]:
    document = {
        "name": "p",
        "enabled": True,
        "event_types": ["JOB_FAILURE"],
        "notification_service": {"slack": slack},
    }
    return AlertPolicies.model_validate({"alert_policies": [document]}).in_force


@pytest.fixture
def watch(watch: Watch, slack: SlackServer, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A pass over assets that have owners, two of whom Slack knows."""
    owners = (ANA, BO, CY, TEAM)
    slack.members |= {ANA: "U0ANA", CY: "U0CY"}
    monkeypatch.setattr(Workspace, "all_owners", lambda _self: owners)
    monkeypatch.setattr(Workspace, "owners_of", lambda _self, _assets: owners)
    return watch


def look_up(instance: dg.DagsterInstance, services: Services, *, later: float = 0.0) -> list[str]:
    return find_users(
        Database(database_url(instance)),
        services,
        owners=[ANA],
        policies=policies(),
        alert_channel="alerts",
        now=time.time() + later,
    )


@on_both_databases
def test_owners_whom_slack_knows_are_called_and_the_others_named(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    watch(policies())
    assert slack.asked_addresses == [ANA, BO, CY]
    fail(instance)
    watch(policies())
    [head] = slack.heads
    assert f"*Owners:* <@U0ANA>, {BO}, <@U0CY>, {TEAM}" in head.shown
    # each is looked up once a day, known or not
    assert slack.asked_addresses == [ANA, BO, CY]


def test_the_policy_of_an_owner_takes_precedence(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    mine = policies(owner_mentions={ANA: "S0GROUP"})
    watch(mine)
    fail(instance)
    watch(mine)
    assert "*Owners:* <!subteam^S0GROUP>" in slack.heads[0].shown


def test_a_bot_without_access_to_addresses_reports_it_once_and_still_notifies(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.may_see_addresses = False
    summaries = [str(watch(policies())) for _ in range(3)]
    assert "owners are named and not called: Slack answered missing_scope" in summaries[0]
    assert "owners" not in "".join(summaries[1:])
    assert slack.calls["users.lookupByEmail"] == 1
    fail(instance)
    assert watch(policies()).outbox.waiting == 0
    assert f"*Owners:* {ANA}, {BO}" in slack.heads[0].shown


def test_no_user_is_looked_up_while_slack_asks_to_wait(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, services: Services
) -> None:
    slack.busy_lookups, slack.retry_after = 1, 30
    assert "Slack asks to wait" in str(watch(policies()))
    watch(policies())
    look_up(instance, services, later=25)
    assert slack.calls["users.lookupByEmail"] == 1
    look_up(instance, services, later=35)
    assert slack.asked_addresses == [ANA]


def test_a_storm_costs_no_call_for_people(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    for word in ("census", "payroll", "bands", "offices", "grades"):
        say(instance, f"the {word} is bad")
    for _ in range(3):
        watch(policies())
    assert len(slack.heads) == 5
    assert slack.calls["users.lookupByEmail"] == 0


def test_a_user_is_looked_up_again_after_a_day(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, services: Services
) -> None:
    watch(policies())
    slack.members[ANA] = "U0NEW"
    look_up(instance, services, later=LIFETIME_SECONDS - 60)
    assert slack.asked_addresses == [ANA, BO, CY]
    look_up(instance, services, later=LIFETIME_SECONDS + 60)
    assert known_users(Database(database_url(instance)))["slack"][ANA] == "U0NEW"
