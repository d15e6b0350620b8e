"""Runs over a range of partitions: what they fail and repair, together with single ones."""

import os
from collections.abc import Callable

import dagster as dg
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import OUTSTANDING
from orchestration_platform.alerts.sources.runs import partition_ranges

LETTERS = dg.StaticPartitionsDefinition(list("abcdef"))
KINDS = ["JOB_FAILURE", "ASSET_MATERIALIZATION_FAILURE"]


@dg.asset(partitions_def=LETTERS, backfill_policy=dg.BackfillPolicy.single_run())
def orders(context: dg.AssetExecutionContext) -> None:
    broken = os.environ.get("ALERT_TEST_BROKEN", "")
    for key in sorted(context.partition_keys):
        if key in broken:
            raise ValueError(f"no file for {key}")
        if broken:
            # one that writes them one by one, and says so
            context.log_event(dg.AssetMaterialization("orders", partition=key))


@dg.asset
def shops() -> None:
    raise ValueError("no shops")


JOB = dg.Definitions(assets=[orders, shops]).resolve_implicit_global_asset_job_def()

Run = Callable[..., str]


@pytest.fixture
def run(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs over ``first`` to ``last``, or over one partition; what is broken fails."""

    def do(first: str, last: str = "", *, broken: str = "") -> str:
        monkeypatch.setenv("ALERT_TEST_BROKEN", broken)
        ends = {
            "dagster/asset_partition_range_start": first,
            "dagster/asset_partition_range_end": last,
        }
        result = JOB.execute_in_process(
            instance=instance,
            asset_selection=[orders.key],
            partition_key=None if last else first,
            tags=ends if last else None,
            raise_on_error=False,
        )
        assert result.success is not any(key in broken for key in broken)
        return result.run_id

    return do


@pytest.fixture
def watcher(instance: dg.DagsterInstance) -> Watcher:
    policies = [policy(kind, name=kind) for kind in KINDS]
    return Watcher(instance, Database(database_url(instance)), *policies)


def outstanding(watcher: Watcher) -> list[str]:
    watcher.look()
    with watcher.database.transaction() as connection:
        query = sa.select(OUTSTANDING.c.incident_id, OUTSTANDING.c.partition)
        found = connection.execute(query.order_by(OUTSTANDING.c.partition)).all()
    of_incidents = {
        number: [row.partition for row in found if row.incident_id == number]
        for number in sorted({row.incident_id for row in found})
    }
    assert len({tuple(keys) for keys in of_incidents.values()}) <= 1, of_incidents
    return next(iter(of_incidents.values()), [])


def are_over(watcher: Watcher) -> list[bool]:
    return [is_over for _, _, is_over in watcher.look()]


@on_both_databases
def test_a_failed_range_is_over_when_each_of_it_has_succeeded_whichever_way(
    watcher: Watcher, run: Run
) -> None:
    run("a", "d", broken="abcd")
    assert outstanding(watcher) == ["a", "b", "c", "d"]
    assert watcher.first().partition == "a...d"
    run("b")
    run("e", "f")
    assert outstanding(watcher) == ["a", "c", "d"]
    run("c", "f")
    assert outstanding(watcher) == ["a"]
    assert are_over(watcher) == [False, False]
    run("a")
    assert are_over(watcher) == [True, True]


@on_both_databases
def test_a_failed_partition_is_over_when_a_later_range_has_it(watcher: Watcher, run: Run) -> None:
    run("b", broken="b")
    run("c", "e")
    assert are_over(watcher) == [False, False]
    run("a", "c")
    assert are_over(watcher) == [True, True]


def test_what_a_failed_range_has_made_need_not_be_made_again(watcher: Watcher, run: Run) -> None:
    run("a", "d", broken="cd")
    left = outstanding(watcher)
    assert left == ["c", "d"]
    for key in left:
        assert are_over(watcher) == [False, False]
        run(key)
    assert are_over(watcher) == [True, True]


def test_only_the_same_range_ends_the_failure_of_a_range_that_is_too_long(
    watcher: Watcher, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partition_ranges, "MOST_PARTITIONS", 2)
    run("a", "c", broken="abc")
    assert outstanding(watcher) == ["a...c"]
    for key in "abc":
        run(key)
    run("a", "d")
    assert are_over(watcher) == [False, False]
    run("a", "c")
    assert are_over(watcher) == [True, True]


@pytest.mark.parametrize("made", ["a", "b"])
def test_a_retry_helps_with_the_partition_that_it_makes_and_with_no_other(
    made: str, instance: dg.DagsterInstance, run: Run
) -> None:
    kind = "ASSET_MATERIALIZATION_FAILURE"
    watcher = Watcher(
        instance,
        Database(database_url(instance)),
        policy(kind, announce="retries_exhausted"),
    )
    failed = run("b", broken="b")
    instance.add_run_tags(failed, {"dagster/will_retry": "true"})
    assert watcher.look() == []
    run(made)
    retry = JOB.execute_in_process(
        instance=instance,
        asset_selection=[shops.key],
        tags={"dagster/parent_run_id": failed, "dagster/retry_number": "1"},
        raise_on_error=False,
    )
    instance.add_run_tags(failed, {"dagster/auto_retry_run_id": retry.run_id})
    subjects = [subject for _, subject, _ in watcher.look()]
    assert subjects == (["shops", "orders"] if made == "a" else ["shops"])
