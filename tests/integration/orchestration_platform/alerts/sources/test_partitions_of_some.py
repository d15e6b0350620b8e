"""Runs for a partition with assets and checks in them of which some have no partitions."""

import os
from collections.abc import Callable

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import on_both_databases
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.outbox.database import Database, database_url

DAYS = dg.StaticPartitionsDefinition(["monday", "tuesday"])


@dg.asset(partitions_def=DAYS)
def orders() -> None: ...


def look() -> dg.AssetCheckResult:
    outcome = os.environ["ALERT_TEST_CHECK"]
    if outcome == "raise":
        raise KeyError("salary")
    return dg.AssetCheckResult(passed=outcome == "pass")


@dg.asset_check(asset=orders)
def has_columns() -> dg.AssetCheckResult:
    return look()


@dg.asset_check(asset=orders, partitions_def=DAYS)
def has_rows() -> dg.AssetCheckResult:
    return look()


@dg.asset
def shops() -> None:
    if os.environ["ALERT_TEST_CHECK"] != "pass":
        raise ValueError("no shops")


@dg.asset(partitions_def=DAYS)
def prices() -> None:
    if os.environ["ALERT_TEST_CHECK"] != "pass":
        raise ValueError("no prices")


DEFINITIONS = dg.Definitions([orders, shops, prices], asset_checks=[has_columns, has_rows])

Run = Callable[..., None]


@pytest.fixture
def run(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs of assets with their checks, for a day or for none; what is broken fails."""

    def do(*assets: dg.AssetsDefinition, day: str | None, says: str) -> None:
        monkeypatch.setenv("ALERT_TEST_CHECK", says)
        DEFINITIONS.resolve_implicit_global_asset_job_def().execute_in_process(
            instance=instance,
            asset_selection=[asset.key for asset in assets],
            partition_key=day,
            raise_on_error=False,
        )

    return do


def watching(instance: dg.DagsterInstance, kind: str) -> Watcher:
    return Watcher(instance, Database(database_url(instance)), policy(kind))


def over(watcher: Watcher) -> dict[str, bool]:
    return {subject.removeprefix("orders: "): is_over for _, subject, is_over in watcher.look()}


@on_both_databases
@pytest.mark.parametrize(
    ("kind", "says"),
    [("ASSET_CHECK_SEVERITY_ERROR", "fail"), ("ASSET_CHECK_EXECUTION_FAILURE", "raise")],
)
def test_an_ordinary_check_passes_on_any_day_and_one_with_partitions_on_its_own(
    kind: str, says: str, instance: dg.DagsterInstance, run: Run
) -> None:
    watcher = watching(instance, kind)
    run(orders, day="monday", says=says)
    assert over(watcher) == {"has_columns": False, "has_rows": False}
    run(orders, day="tuesday", says="pass")
    assert over(watcher) == {"has_columns": True, "has_rows": False}
    run(orders, day="monday", says="pass")
    assert over(watcher) == {"has_columns": True, "has_rows": True}


@on_both_databases
def test_an_asset_without_partitions_is_over_when_it_is_made_for_whichever_day_or_none(
    instance: dg.DagsterInstance, run: Run
) -> None:
    watcher = watching(instance, "ASSET_MATERIALIZATION_FAILURE")
    run(shops, prices, day="monday", says="fail")
    assert over(watcher) == {"shops": False, "prices": False}
    run(shops, day=None, says="pass")
    assert over(watcher) == {"shops": True, "prices": False}
    run(prices, day="tuesday", says="pass")
    assert over(watcher) == {"shops": True, "prices": False}
    run(prices, day="monday", says="pass")
    assert over(watcher) == {"shops": True, "prices": True}
