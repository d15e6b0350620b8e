"""Assets, checks and jobs: which of their events are reported, and when an incident ends."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.databases import (
    Postgres,
    on_both_databases,
)
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy
from tests.support.failing_jobs import say

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.timing import Timing
from orchestration_platform.alerts.outbox.database import Database
from orchestration_platform.alerts.outbox.tables import INCIDENTS, OCCURRENCES
from orchestration_platform.alerts.sources.collect import Collector
from orchestration_platform.alerts.sources.source import Batch, Source

DAEMON = ["DAEMON_HEARTBEAT_MISSING"]


@pytest.fixture
def instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[dg.DagsterInstance]:
    monkeypatch.delenv("DAGSTER_WEBSERVER_URL", raising=False)
    overrides: dict[str, Any] = {"telemetry": {"enabled": False}}
    if getattr(request, "param", "sqlite") == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.url(postgres.new_database())
        overrides["storage"] = {"postgres": {"postgres_url": url}}
    with dg.instance_for_test(temp_dir=str(tmp_path), overrides=overrides) as found:
        yield found


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(f"sqlite:///{tmp_path / 'alerts.db'}")


@dg.asset
def census() -> None:
    if "ALERT_TEST_FIXED" not in os.environ:
        raise ValueError("no census")


@dg.asset(deps=[census])
def report() -> None: ...


@dg.asset
def other() -> None: ...


@dg.asset_check(asset=other)
def rows_are_there() -> dg.AssetCheckResult:
    outcome = os.environ.get("ALERT_TEST_CHECK", "pass")
    if outcome == "raise":
        raise KeyError("salary")
    return dg.AssetCheckResult(
        passed=outcome == "pass",
        severity=dg.AssetCheckSeverity.WARN if outcome == "warn" else dg.AssetCheckSeverity.ERROR,
        description="3 rows are missing",
        metadata={"rows": 3},
    )


DEFINITIONS = dg.Definitions(assets=[census, report, other], asset_checks=[rows_are_there])


def materialize(instance: dg.DagsterInstance, *assets: dg.AssetsDefinition) -> bool:
    keys = [asset.key for asset in assets]
    job = DEFINITIONS.resolve_implicit_global_asset_job_def()
    return job.execute_in_process(
        instance=instance, asset_selection=keys, raise_on_error=False
    ).success


@on_both_databases
def test_only_the_asset_that_was_not_made_is_reported_until_it_is_made(
    instance: dg.DagsterInstance, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    watcher = Watcher(instance, database, policy("ASSET_MATERIALIZATION_FAILURE"))
    materialize(instance, census, report, other)
    # what comes after it was not tried, and the other one was made
    assert watcher.look() == [("ASSET_MATERIALIZATION_FAILURE", "census", False)]
    assert watcher.first().problems[0].message == "no census"

    materialize(instance, other)
    assert [over for _, _, over in watcher.look()] == [False]
    monkeypatch.setenv("ALERT_TEST_FIXED", "yes")
    materialize(instance, census)
    assert [over for _, _, over in watcher.look()] == [True]


def test_a_run_that_dies_without_a_failed_step_has_not_made_what_it_had_planned(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("ASSET_MATERIALIZATION_FAILURE"))
    job = DEFINITIONS.resolve_implicit_global_asset_job_def()
    run = instance.create_run_for_job(job, asset_selection=frozenset({census.key}))
    instance.report_run_failed(run)
    assert watcher.look() == [("ASSET_MATERIALIZATION_FAILURE", "census", False)]


def test_successes_are_reported_for_the_selected_targets(
    instance: dg.DagsterInstance, database: Database
) -> None:
    target = {"asset_key_target": {"asset_key": ["other"]}}
    watcher = Watcher(
        instance,
        database,
        policy("ASSET_MATERIALIZATION_SUCCESS", targets=[target]),
        policy("JOB_SUCCESS", name="jobs"),
    )
    materialize(instance, other)
    say(instance, None)
    instance.report_runless_asset_event(dg.AssetMaterialization("other"))
    instance.report_runless_asset_event(dg.AssetMaterialization("elsewhere"))
    for _ in range(2):
        watcher.look()
        assert [(row.event_type, row.subject, row.occurrences) for row in watcher.rows()] == [
            ("JOB_SUCCESS", "other", 1),
            ("JOB_SUCCESS", "told_job", 1),
            ("ASSET_MATERIALIZATION_SUCCESS", "other", 2),
        ]


def test_good_news_begins_a_new_message_after_a_while_and_failures_do_not(
    instance: dg.DagsterInstance, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = policy("JOB_SUCCESS", "JOB_FAILURE")
    watcher = Watcher(instance, database, watched, timing=Timing(good_news=-1.0))
    for text in (None, None, "bad", "bad"):
        say(instance, text)
    watcher.look()
    found = [(row.event_type, row.occurrences) for row in watcher.rows()]
    assert found == [("JOB_FAILURE", 2), ("JOB_SUCCESS", 1), ("JOB_SUCCESS", 1)]


def test_a_check_shows_one_thing_at_a_time(
    instance: dg.DagsterInstance, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    kinds = ("SEVERITY_WARN", "SEVERITY_ERROR", "EXECUTION_FAILURE")
    watcher = Watcher(instance, database, policy(*(f"ASSET_CHECK_{kind}" for kind in kinds)))
    subject = "other: rows_are_there"
    seen: list[list[tuple[str, bool]]] = []
    for outcome in ("pass", "warn", "raise", "fail", "pass"):
        monkeypatch.setenv("ALERT_TEST_CHECK", outcome)
        materialize(instance, other)
        reported = watcher.look()
        assert {name for _, name, _ in reported} <= {subject}
        seen.append([(kind.removeprefix("ASSET_CHECK_"), over) for kind, _, over in reported])
    assert seen == [
        [],
        [("SEVERITY_WARN", False)],
        [("SEVERITY_WARN", False), ("EXECUTION_FAILURE", False)],
        [("SEVERITY_WARN", True), ("EXECUTION_FAILURE", True), ("SEVERITY_ERROR", False)],
        [("SEVERITY_WARN", True), ("EXECUTION_FAILURE", True), ("SEVERITY_ERROR", True)],
    ]
    messages = [Alert.from_json(row.facts).problems[0].message for row in watcher.rows()]
    assert messages == ["3 rows are missing\nrows: 3", "'salary'", "3 rows are missing\nrows: 3"]


@on_both_databases
def test_a_check_that_was_run_elsewhere_is_reported(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("ASSET_CHECK_SEVERITY_ERROR"))

    def report_check(*, passed: bool) -> None:
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=other.key, check_name="outside", passed=passed, metadata={}
            )
        )

    report_check(passed=False)
    assert watcher.look() == [("ASSET_CHECK_SEVERITY_ERROR", "other: outside", False)]
    report_check(passed=True)
    assert [over for _, _, over in watcher.look()] == [True]


def test_a_failure_shows_its_attempt_and_when_the_job_last_succeeded(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("JOB_FAILURE"))
    succeeded = say(instance, None)
    say(instance, "bad", {"dagster/max_retries": "2", "dagster/schedule_name": "nightly"})
    watcher.look()
    alert = watcher.first()
    [record] = instance.get_run_records(dg.RunsFilter(run_ids=[succeeded]))
    assert (alert.attempt, alert.attempts) == (1, 3)
    assert alert.launched_by == "schedule nightly"
    assert alert.last_success_at == record.end_time


def test_a_source_that_cannot_be_read_is_an_error_of_the_pass_and_does_not_hold_up_the_rest(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("JOB_FAILURE"), policy(*DAEMON, name="d"))
    say(instance, "bad")
    with database.transaction() as connection:
        connection.execute(
            sa.text("update alert_cursors set value = '?' where name = :name"),
            {"name": dg.DagsterEventType.RUN_FAILURE.value},
        )
        connection.execute(sa.text("delete from alert_cursors where name = 'daemons'"))
        connection.execute(sa.delete(INCIDENTS))
        connection.execute(sa.delete(OCCURRENCES))
    assert {kind for kind, _, _ in watcher.look()} == set(DAEMON)
    [error] = watcher.collector.errors
    assert error.__notes__ == ["while reading PIPELINE_FAILURE"]


def test_what_happened_before_a_policy_covered_it_is_not_reported(
    instance: dg.DagsterInstance, database: Database
) -> None:
    Watcher(instance, database, policy("ASSET_MATERIALIZATION_SUCCESS"))
    Watcher(instance, database, policy("JOB_FAILURE"))
    materialize(instance, other)
    watcher = Watcher(instance, database, policy("ASSET_MATERIALIZATION_SUCCESS"))
    assert watcher.look() == []
    materialize(instance, other)
    assert len(watcher.look()) == 1


def test_what_another_pass_has_recorded_meanwhile_is_not_recorded_again(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watched = policy("DAEMON_HEARTBEAT_MISSING")
    slow = Watcher(instance, database, watched).collector
    with database.transaction() as connection:
        connection.execute(sa.delete(INCIDENTS))
        connection.execute(sa.delete(OCCURRENCES))
        connection.execute(sa.text("delete from alert_cursors where name = 'daemons'"))
    taken = slow._take

    def interrupted(source: Source, batch: Batch, *, now: float) -> int:
        if source.name == "daemons":
            other = Collector(instance, database, [watched], alert_channel="#a", ui_url="")
            other.collect(until=float("inf"))
        return taken(source, batch, now=now)

    object.__setattr__(slow, "_take", interrupted)
    slow.collect(until=float("inf"))
    with database.transaction() as connection:
        rows = connection.execute(sa.select(INCIDENTS.c.subject, INCIDENTS.c.occurrences)).all()
    assert "SENSOR" in {row.subject for row in rows}
    assert all(row.occurrences == 1 for row in rows)
    assert len(rows) == len({row.subject for row in rows})


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["monday", "tuesday"]))
def by_day(context: dg.AssetExecutionContext) -> None:
    if context.run.tags.get("breaks"):
        raise ValueError("no orders")


@dg.asset
def of_all_days(context: dg.AssetExecutionContext) -> None:
    if context.run.tags.get("breaks"):
        raise ValueError("no stock")


@pytest.mark.parametrize("made", ["monday", "tuesday"])
def test_an_asset_that_is_made_again_while_the_run_that_failed_continues_has_recovered(
    made: str, instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("ASSET_MATERIALIZATION_FAILURE"))
    is_day = made == "monday"

    @dg.asset
    def takes_longer() -> None:
        failed = dg.DagsterEventType.STEP_FAILURE
        run_id = instance.get_runs(limit=1)[0].run_id
        assert len(instance.get_records_for_run(run_id, of_type=failed).records) == 2
        dg.materialize([by_day], instance=instance, partition_key=made)
        dg.materialize([of_all_days], instance=instance)
        assert watcher.look() == []

    job = dg.Definitions(
        [by_day, of_all_days, takes_longer]
    ).resolve_implicit_global_asset_job_def()
    job.execute_in_process(
        instance=instance, partition_key="monday", tags={"breaks": "yes"}, raise_on_error=False
    )
    left = [] if is_day else [("ASSET_MATERIALIZATION_FAILURE", "by_day", False)]
    assert watcher.look() == left


@dg.asset_check(asset=other)
def rows() -> dg.AssetCheckResult:
    raise ValueError("of rows")


@dg.asset_check(asset=other)
def all_rows() -> dg.AssetCheckResult:
    raise KeyError("of all_rows")


def test_a_check_without_result_is_reported_with_the_error_of_its_own_step(
    instance: dg.DagsterInstance, database: Database
) -> None:
    watcher = Watcher(instance, database, policy("ASSET_CHECK_EXECUTION_FAILURE"))
    checked = dg.Definitions([other], asset_checks=[all_rows, rows])
    job = checked.resolve_implicit_global_asset_job_def()
    job.execute_in_process(instance=instance, raise_on_error=False)
    watcher.look()
    outcome = {
        row.subject: Alert.from_json(row.facts).problems[0].message for row in watcher.rows()
    }
    assert outcome == {"other: rows": "of rows", "other: all_rows": "'of all_rows'"}
