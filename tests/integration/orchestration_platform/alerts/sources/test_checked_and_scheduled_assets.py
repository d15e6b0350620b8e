"""Runs whose record does not name their assets: of checks alone, and of a whole job."""

import sqlite3
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import Watch
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.stored_runs import (
    stored_as,
    stored_as_checks,
    stored_as_scheduled,
)
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.sources.runs.unreadable import MOST_ATTEMPTS
from sandboxes.slack.server import SlackServer


@dg.asset
def shelves() -> None: ...


@dg.asset_check(asset=shelves)
def are_full() -> dg.AssetCheckResult:
    raise ValueError("no shelf")


@dg.asset(key_prefix="shop", deps=[shelves])
def prices() -> None:
    raise ValueError("no price")


DEFINITIONS = dg.Definitions(
    assets=[shelves, prices],
    asset_checks=[are_full],
    jobs=[dg.define_asset_job("nightly", selection=dg.AssetSelection.assets(prices))],
)
AUTOMATION = DEFINITIONS.resolve_implicit_global_asset_job_def()
NIGHTLY = DEFINITIONS.resolve_job_def("nightly")
CHECK = AUTOMATION.get_subset(
    asset_selection=set(), asset_check_selection={dg.AssetCheckKey(shelves.key, "are_full")}
)


def execute(instance: dg.DagsterInstance, job: dg.JobDefinition) -> dg.ExecuteInProcessResult:
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    return result


def everything_shown(slack: SlackServer) -> str:
    assert slack.messages
    return "\n".join(f"{message.shown}\n{message.blocks}" for message in slack.messages)


@on_both_databases
def test_a_run_of_only_checks_is_named_after_the_assets_that_they_check(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    stored_as_checks(instance, execute(instance, CHECK))
    watch()
    [head] = slack.heads
    assert "*Assets:* `shelves`" in head.shown
    assert "ValueError: no shelf" in head.shown
    assert "/assets/shelves" in str(head.blocks)
    assert "__ASSET" not in everything_shown(slack)


@on_both_databases
def test_a_whole_job_is_named_after_the_job_and_has_its_planned_assets(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    watcher = Watcher(instance, Database(database_url(instance)), policy("JOB_FAILURE"))
    stored_as_scheduled(instance, execute(instance, NIGHTLY))
    watch()
    [head] = slack.heads
    assert "*Job:* `nightly`" in head.shown
    assert "/assets/shop/prices" in str(head.blocks)
    watcher.look()
    # of which the owners are called
    assert watcher.first().assets == ("shop/prices",)


def test_an_automation_run_of_everything_is_named_after_its_assets(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    execute(instance, AUTOMATION)
    watch()
    [head] = slack.heads
    assert "*Assets:* `shelves, shop/prices`" in head.shown
    assert "__ASSET" not in everything_shown(slack)


def test_a_run_that_died_is_reported_without_the_name_of_dagsters_own_job(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    run = instance.create_run_for_job(CHECK)
    message = 'Execution of run for "__ASSET_JOB" failed. It was killed.'
    instance.report_run_failed(run, message)
    watch()
    assert "Execution of run for assets failed. It was killed." in slack.heads[0].shown
    assert "__ASSET" not in everything_shown(slack)


def without_record(instance: dg.DagsterInstance, run_id: str) -> None:
    with sqlite3.connect(f"{instance.root_directory}/history/runs.db") as connection:
        assert connection.execute("delete from runs where run_id = ?", (run_id,)).rowcount == 1
    connection.close()


def damaged(instance: dg.DagsterInstance, run_id: str) -> None:
    log = f"{instance.root_directory}/history/runs/{run_id}.db"
    with sqlite3.connect(log) as connection:
        damage = "update event_logs set event = '{' where dagster_event_type = 'STEP_FAILURE'"
        assert connection.execute(damage).rowcount == 1
    connection.close()


@pytest.mark.parametrize(
    ("change", "passes", "message"),
    [(without_record, 1, "no shelf"), (damaged, MOST_ATTEMPTS, "could not be read")],
)
def test_a_run_of_checks_names_its_assets(
    change: Callable[[dg.DagsterInstance, str], None],
    passes: int,
    message: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
) -> None:
    change(instance, stored_as_checks(instance, execute(instance, CHECK)))
    for _ in range(passes - 1):
        with pytest.raises(ExceptionGroup):
            watch()
    watch()
    [head] = slack.heads
    assert "*Assets:* `shelves`" in head.shown
    assert message in head.shown
    assert "__ASSET" not in everything_shown(slack)


def test_an_automation_run_without_any_record_is_reported_without_its_job(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    result = execute(instance, CHECK)
    none: dict[str, Any] = {"asset_selection": None, "execution_plan_snapshot_id": None}
    stored_as(instance, result, **none)
    watch()
    assert "*Assets:* `unknown assets`" in slack.heads[0].shown
    assert "__ASSET" not in everything_shown(slack)


def test_the_plan_of_a_job_is_read_once_for_all_its_runs_and_not_where_the_record_has_it(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    ask = type(instance).get_execution_plan_snapshot

    def counted(self: dg.DagsterInstance, name: str) -> Any:
        read.append(name)
        return ask(self, name)

    for _ in range(3):
        stored_as_scheduled(instance, execute(instance, NIGHTLY))
    monkeypatch.setattr(type(instance), "get_execution_plan_snapshot", counted)
    watch()
    assert len(read) == 1
    AUTOMATION.execute_in_process(
        instance=instance, asset_selection=[prices.key], raise_on_error=False
    )
    watch()
    assert len(slack.heads) == 2
    assert len(read) == 1
