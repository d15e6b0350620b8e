"""Runs of assets that died without a failed step: which of the assets are reported."""

import os
from collections.abc import Sequence

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.watcher import Watcher, policy

from orchestration_platform.alerts.outbox.database import Database, database_url

# What is killed is the process, in the op of this name.
DIES_AT = "ALERT_TEST_DIES_AT"


def go_on(name: str) -> None:
    if os.environ.get(DIES_AT) == name:
        os._exit(9)


@dg.asset
def orders() -> None: ...


@dg.asset
def shops() -> None: ...


@dg.asset(deps=[orders])
def sales() -> None:
    go_on("sales")


@dg.asset(deps=[sales, shops])
def report() -> None: ...


@dg.op
def read() -> int:
    go_on("read")
    return 1


@dg.op
def count(rows: int) -> int:
    return rows


@dg.graph_asset
def stock() -> int:
    return count(read())


@dg.asset(deps=[stock])
def order_list() -> None: ...


JOB = dg.Definitions(
    [orders, shops, sales, report, stock, order_list]
).resolve_implicit_global_asset_job_def()


def execute_in_another_process(
    instance: dg.DagsterInstance, keys: frozenset[dg.AssetKey], *, dies_at: str
) -> None:
    child = os.fork()
    if child == 0:
        try:
            os.environ[DIES_AT] = dies_at
            with dg.DagsterInstance.from_ref(instance.get_ref()) as own:
                JOB.execute_in_process(instance=own, asset_selection=list(keys))
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


@pytest.mark.parametrize(
    ("assets", "dies_at", "reported"),
    [
        (["orders", "shops", "sales", "report"], "", ["orders", "shops"]),
        (["sales", "report"], "", ["sales"]),
        (["orders", "shops", "sales", "report"], "sales", ["sales"]),
        (["stock", "order_list"], "", ["stock"]),
        (["stock", "order_list"], "read", ["stock"]),
    ],
)
def test_what_a_killed_run_did_not_try_is_not_reported(
    assets: Sequence[str], dies_at: str, reported: Sequence[str], instance: dg.DagsterInstance
) -> None:
    database = Database(database_url(instance))
    watcher = Watcher(instance, database, policy("ASSET_MATERIALIZATION_FAILURE"))
    keys = frozenset(map(dg.AssetKey, assets))
    if dies_at:
        execute_in_another_process(instance, keys, dies_at=dies_at)
    else:
        instance.create_run_for_job(JOB.get_subset(asset_selection=keys), asset_selection=keys)
    instance.report_run_failed(instance.get_runs(limit=1)[0])
    assert sorted(subject for _, subject, _ in watcher.look()) == reported
