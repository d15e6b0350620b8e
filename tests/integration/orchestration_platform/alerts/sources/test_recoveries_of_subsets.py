"""A success repairs what it covered, and nothing else."""

import os
import sqlite3
from collections.abc import Callable

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.stored_runs import (
    stored_as,
    stored_as_checks,
    stored_as_scheduled,
)
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.outbox.database import Database, database_url

RESUMED = {"dagster/is_resume_retry": "true"}


def fail_if_broken(name: str) -> None:
    if name in os.environ.get("ALERT_TEST_BROKEN", "").split():
        raise ValueError("it is broken")


@dg.asset
def good() -> None:
    fail_if_broken("good")


@dg.asset
def bad() -> None:
    fail_if_broken("bad")


@dg.asset
def shelves() -> None: ...


@dg.asset_check(asset=shelves)
def are_full() -> dg.AssetCheckResult:
    fail_if_broken("are_full")
    return dg.AssetCheckResult(passed=True)


@dg.asset_check(asset=shelves)
def are_clean() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.op
def first() -> None:
    fail_if_broken("first")


@dg.op(ins={"start": dg.In(dg.Nothing)})
def second() -> None:
    fail_if_broken("second")


@dg.op
def aside() -> None:
    fail_if_broken("aside")


@dg.op(out=dg.DynamicOut())
def shops():
    yield dg.DynamicOutput(1, "one")
    yield dg.DynamicOutput(2, "two")


@dg.op
def each(_number: int) -> None:
    fail_if_broken("each")


@dg.job
def of_ops() -> None:
    second(first())
    aside()
    shops().map(each)


DEFINITIONS = dg.Definitions(
    assets=[good, bad, shelves],
    asset_checks=[are_full, are_clean],
    jobs=[of_ops, dg.define_asset_job("nightly", selection=[good, bad])],
)
AUTOMATION = DEFINITIONS.resolve_implicit_global_asset_job_def()
NIGHTLY = DEFINITIONS.resolve_job_def("nightly")

Run = Callable[..., dg.ExecuteInProcessResult]


def build_of_ops() -> dg.JobDefinition:
    return of_ops


@pytest.fixture
def run(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a job, or the part of it that is named; what is broken fails."""

    def do(
        job: dg.JobDefinition,
        *assets: dg.AssetsDefinition,
        ops: list[str] | None = None,
        broken: str = "",
    ) -> dg.ExecuteInProcessResult:
        monkeypatch.setenv("ALERT_TEST_BROKEN", broken)
        result = job.execute_in_process(
            instance=instance,
            asset_selection=[asset.key for asset in assets] or None,
            op_selection=ops,
            raise_on_error=False,
        )
        assert result.success is not bool(broken)
        if ops:
            # which a program that executes itself does not write down
            reported = {"op_selection": ops, "resolved_op_selection": frozenset(ops)}
            stored_as(instance, result, **reported)
        return result

    return do


Resume = Callable[..., str]


@pytest.fixture
def resume(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Resume:
    """Runs the steps of a run of ops that have failed, or were not come to."""

    def do(run_id: str, *, broken: str = "") -> str:
        monkeypatch.setenv("ALERT_TEST_BROKEN", broken)
        with dg.execute_job(
            dg.reconstructable(build_of_ops),
            instance=instance,
            reexecution_options=dg.ReexecutionOptions.from_failure(run_id, instance),
            tags={**RESUMED, "dagster/parent_run_id": run_id},
        ) as result:
            assert result.success is not bool(broken)
            return result.run_id

    return do


@pytest.fixture
def watcher(instance: dg.DagsterInstance) -> Watcher:
    return Watcher(instance, Database(database_url(instance)), policy("JOB_FAILURE"))


def are_over(watcher: Watcher) -> list[bool]:
    return [is_over for _, _, is_over in watcher.look()]


def checks(*names: str) -> dg.JobDefinition:
    keys = {dg.AssetCheckKey(shelves.key, name) for name in names}
    return AUTOMATION.get_subset(asset_selection=set(), asset_check_selection=keys)


@on_both_databases
def test_only_the_same_check_ends_the_failure_of_a_single_check(
    instance: dg.DagsterInstance, watcher: Watcher, run: Run
) -> None:
    stored_as_checks(instance, run(checks("are_full", "are_clean"), broken="are_full"))
    run(AUTOMATION, good)
    assert are_over(watcher) == [False]
    stored_as_checks(instance, run(checks("are_clean")))
    assert are_over(watcher) == [False]
    unchecked = AUTOMATION.get_subset(asset_selection={shelves.key}, asset_check_selection=set())
    run(unchecked)
    assert are_over(watcher) == [False]
    stored_as_checks(instance, run(checks("are_full")))
    assert are_over(watcher) == [True]


def test_a_check_that_failed_alone_is_put_right_when_its_asset_is_made_and_checked(
    instance: dg.DagsterInstance, watcher: Watcher, run: Run
) -> None:
    stored_as_checks(instance, run(checks("are_full"), broken="are_full"))
    assert are_over(watcher) == [False]
    run(AUTOMATION, shelves)
    assert are_over(watcher) == [True]


def test_a_check_that_failed_with_its_asset_is_not_put_right_by_the_asset_without_it(
    watcher: Watcher, run: Run
) -> None:
    run(AUTOMATION, shelves, good, broken="are_full")
    unchecked = {shelves.key, good.key}
    run(AUTOMATION.get_subset(asset_selection=unchecked, asset_check_selection=set()))
    assert are_over(watcher) == [False]
    run(AUTOMATION, shelves)
    assert are_over(watcher) == [True]


@on_both_databases
def test_a_part_of_a_job_repairs_that_part(
    instance: dg.DagsterInstance, watcher: Watcher, run: Run
) -> None:
    stored_as_scheduled(instance, run(NIGHTLY, broken="bad"))
    run(NIGHTLY, good)
    assert are_over(watcher) == [False]
    run(NIGHTLY, bad)
    assert are_over(watcher) == [True]


def test_all_of_a_job_repairs_all_of_it(
    instance: dg.DagsterInstance, watcher: Watcher, run: Run
) -> None:
    stored_as_scheduled(instance, run(NIGHTLY, broken="bad"))
    run(of_ops, broken="each")
    stored_as_scheduled(instance, run(NIGHTLY))
    run(of_ops)
    assert are_over(watcher) == [True, True]


@pytest.mark.parametrize("of_assets", [True, False])
def test_a_run_that_died_is_put_right_by_one_that_is_as_wide(
    *, of_assets: bool, instance: dg.DagsterInstance, watcher: Watcher, run: Run
) -> None:
    job = NIGHTLY if of_assets else of_ops
    instance.report_run_failed(instance.create_run_for_job(job))
    assert are_over(watcher) == [False]
    run(NIGHTLY, good)
    run(of_ops, ops=["aside"])
    assert are_over(watcher) == [False]
    if of_assets:
        run(NIGHTLY, good, bad)
    else:
        run(of_ops)
    assert are_over(watcher) == [True]


def test_a_run_of_some_ops_ends_the_failures_of_those_ops(watcher: Watcher, run: Run) -> None:
    run(of_ops, broken="first")
    run(of_ops, broken="each")
    run(of_ops, ops=["aside"])
    assert are_over(watcher) == [False, False]
    run(of_ops, ops=["shops", "each"])
    assert are_over(watcher) == [False, True]
    run(of_ops, ops=["first"])
    assert are_over(watcher) == [True, True]


def test_the_rest_of_a_failed_run_ends_its_failure_in_one_run_or_several(
    watcher: Watcher, run: Run, resume: Resume
) -> None:
    run(of_ops, broken="each")
    failed = run(of_ops, broken="first aside").run_id
    assert are_over(watcher) == [False, False]
    again = resume(failed, broken="second")
    assert are_over(watcher) == [False, False, False]
    resume(again)
    # what was not done again had succeeded before
    assert are_over(watcher) == [True, True, True]


def test_a_failure_elsewhere_while_a_run_is_completed_is_not_put_right_by_it(
    watcher: Watcher, run: Run, resume: Resume
) -> None:
    failed = run(of_ops, broken="second").run_id
    run(of_ops, broken="aside")
    resume(failed)
    assert are_over(watcher) == [True, False]


@pytest.mark.parametrize("of_assets", [[good], [good, bad]])
def test_an_automation_run_is_put_right_by_whatever_makes_its_assets(
    of_assets: list[dg.AssetsDefinition],
    instance: dg.DagsterInstance,
    watcher: Watcher,
    run: Run,
) -> None:
    run(AUTOMATION, good, bad, broken="bad")
    run(AUTOMATION, good)
    assert are_over(watcher) == [False]
    if bad in of_assets:
        stored_as_scheduled(instance, run(NIGHTLY))
    else:
        run(NIGHTLY, *of_assets)
    assert are_over(watcher) == [bad in of_assets]


def test_everything_that_failed_the_last_time_has_to_succeed(watcher: Watcher, run: Run) -> None:
    run(NIGHTLY, broken="bad")
    run(NIGHTLY, broken="bad good")
    run(NIGHTLY, bad)
    assert are_over(watcher) == [False]
    run(NIGHTLY, bad, good)
    assert are_over(watcher) == [True]


def test_a_run_whose_plan_cannot_be_read_repairs_what_its_record_names(
    instance: dg.DagsterInstance, watcher: Watcher, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(AUTOMATION, bad, broken="bad")
    run(AUTOMATION, good)
    run(AUTOMATION, bad)
    with sqlite3.connect(f"{instance.root_directory}/history/runs.db") as connection:
        damage = "update snapshots set snapshot_body = 'x' where snapshot_type = 'EXECUTION_PLAN'"
        assert connection.execute(damage).rowcount > 1
    connection.close()
    watcher.collector.memory.plans._kept.clear()
    assert are_over(watcher) == [True]
    assert watcher.collector.errors == []
