"""The sensor as the location defines it, on SQLite and with the outbox in Postgres."""

import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.conftest import QUICK, Watch
from tests.integration.orchestration_platform.alerts.databases import Postgres
from tests.support.failing_jobs import fail, other_job, say

from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox.database import Database, database_url
from sandboxes.slack.server import TOKEN, SlackServer
from shared_lib.configuration.environment import Environment

SENSOR = "slack_on_run_failure_sensor"
VARIABLE = "ORCHESTRATION_PLATFORM_SLACK__TOKEN"


def tick(
    instance: dg.DagsterInstance,
    timing: Timing = QUICK,
    sensor: dg.SensorDefinition | None = None,
) -> str:
    """Evaluates the sensor, or another one, as the code server does; returns the tick's message."""
    from orchestration_platform.definitions import defs

    repository = defs.get_repository_def()
    with dg.build_sensor_context(
        instance=instance,
        repository_def=repository,
        sensor_name=SENSOR,
        resources={**repository.get_top_level_resources(), "alerts_timing": timing},
    ) as context:
        evaluated = sensor or repository.get_sensor_def(SENSOR)
        data = evaluated.evaluate_tick(context)
    assert not data.run_requests
    return data.skip_message or ""


def test_without_a_token_a_tick_skips_with_a_remedy(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    summary = tick(instance)
    assert "no secret orchestration_platform/slack" in summary
    assert "ORCHESTRATION_PLATFORM_SLACK__<KEY>" in summary


def test_a_tick_reports_new_failures_and_what_it_did(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    fail(instance, other_job)
    assert tick(instance) == "0 failures, 0 messages sent, 0 waiting"
    fail(instance)
    assert tick(instance) == "1 failures, 2 messages sent, 0 waiting"
    assert len(slack.heads) == 1


def test_all_ticks_of_a_process_share_what_it_keeps(
    instance: dg.DagsterInstance, slack: SlackServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("SLACK_API_URL", slack.url)
    opened: list[str] = []
    monkeypatch.setattr(
        "orchestration_platform.alerts.memory.Database",
        lambda url: opened.append(url) or Database(url),
    )
    for _ in range(3):
        tick(instance)
    assert opened == [database_url(instance)]


def test_a_token_is_not_sent_unprotected_to_another_machine(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, TOKEN)
    monkeypatch.setenv("SLACK_API_URL", "http://slack.example.com/api")
    tick(instance)
    fail(instance)
    summary = tick(instance, replace(QUICK, sending=0.5))
    assert "SLACK_API_URL is not an https address" in summary
    assert TOKEN not in summary


@pytest.mark.parametrize("environment", list(Environment))
def test_the_sensor_always_exists_and_runs_automatically_only_in_production(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    monkeypatch.delenv(VARIABLE, raising=False)
    for name in [name for name in sys.modules if name.startswith("orchestration_platform")]:
        monkeypatch.delitem(sys.modules, name)
    from orchestration_platform.definitions import defs

    sensor = defs.get_repository_def().get_sensor_def(SENSOR)
    is_running = sensor.default_status is dg.DefaultSensorStatus.RUNNING
    assert is_running is (environment is Environment.PRODUCTION)


def test_the_command_lists_what_was_sent_and_shows_a_message_without_sending_it(
    instance: dg.DagsterInstance,
    slack: SlackServer,
    watch: Watch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from orchestration_platform.alerts.__main__ import main

    run_id = fail(instance)
    capsys.readouterr()
    assert main(["preview", run_id, "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert slack.messages == []
    watch()
    assert shown["blocks"] == slack.heads[0].blocks

    slack.faults.append("internal_error")
    fail(instance, other_job)
    watch()
    capsys.readouterr()
    assert main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    assert all("delivered" in line for line in lines)
    assert sum("other_job x1, 2 attempts" in line for line in lines) == 1
    assert main(["preview", "no-such-run"]) == 1
    assert "there is no run no-such-run in the instance" in capsys.readouterr().err


@pytest.mark.parametrize("database", ["sqlite", "postgres"])
def test_two_passes_at_once_report_everything_once(
    database: str,
    instance: dg.DagsterInstance,
    slack: SlackServer,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> None:
    from orchestration_platform.alerts import memory

    if database == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.new_database(), "postgresql+psycopg")
        monkeypatch.setattr(memory, "database_url", lambda _instance: url)
    watch: Watch = request.getfixturevalue("watch")
    for text in ("census", "payroll", "bands"):
        say(instance, f"the {text} is bad")
        say(instance, f"the {text} is bad")
    with ThreadPoolExecutor(2) as threads:
        done = [found.result(30) for found in [threads.submit(watch) for _ in range(2)]]

    assert sum(found.failures for found in done) == 6
    assert len(slack.heads) == 3
    assert all("failed 2 times" in head.shown for head in slack.heads)
    assert all(len(slack.thread(head)) == 1 for head in slack.heads)
    say(instance, None)
    watch()
    assert all("(recovered)" in head.shown for head in slack.heads)


def test_the_outbox_is_where_the_instance_keeps_its_runs(instance: dg.DagsterInstance) -> None:
    assert database_url(instance) == f"sqlite:///{instance.root_directory}/alerts.db"


def health(instance: dg.DagsterInstance, overdue_seconds: float = 600.0) -> dg.AssetCheckEvaluation:
    from orchestration_platform.definitions import defs

    job = defs.resolve_implicit_global_asset_job_def()
    config = {"config": {"overdue_seconds": overdue_seconds}}
    ops = {"ops": {"platform_health_alerts_delivered": config}}
    result = job.execute_in_process(instance=instance, run_config=ops)
    found = result.get_asset_check_evaluations()
    return next(entry for entry in found if entry.check_name == "alerts_delivered")


def test_health_names_alerts_that_wait_and_why(
    instance: dg.DagsterInstance, slack: SlackServer, watch: Watch
) -> None:
    slack.faults.extend(["is_archived"] * 5)
    fail(instance)
    watch(seconds=0.1)
    assert health(instance).passed
    found = health(instance, overdue_seconds=0.0)
    assert not found.passed
    assert "2 alerts wait" in (found.description or "")
    assert "unarchive the channel" in (found.description or "")


def test_health_reports_a_sensor_that_does_not_work_where_it_must(
    instance: dg.DagsterInstance, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert health(instance).passed
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    monkeypatch.setenv("VAULT_ADDR", "http://127.0.0.1:1")
    assert "has never completed a pass" in (health(instance).description or "")
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    request.getfixturevalue("watch")
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "production")
    assert health(instance).passed
