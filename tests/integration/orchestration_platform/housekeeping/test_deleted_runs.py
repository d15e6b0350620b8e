"""Deleting a run, by whatever means, deletes all that it left."""

from pathlib import Path

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable


@dg.asset
def stock(context: dg.AssetExecutionContext) -> int:
    print("counting", context.run.run_id)
    return 1


@dg.asset_check(asset=stock)
def is_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.op
def count() -> int:
    return 1


@dg.job
def counting() -> None:
    count()


stocktaking = dg.Definitions(
    assets=[stock], asset_checks=[is_there], jobs=[dg.define_asset_job("stocktaking")]
).resolve_job_def("stocktaking")


def named_after(run_id: str, instance: dg.DagsterInstance) -> list[Path]:
    home = Path(instance.root_directory)
    return [found for found in home.rglob("*") if run_id in str(found)]


def executions(instance: dg.DagsterInstance) -> list[str]:
    storage = instance.event_log_storage
    assert isinstance(storage, SqlEventLogStorage)
    with storage.index_connection() as connection:
        return list(connection.execute(sa.select(AssetCheckExecutionsTable.c.run_id)).scalars())


def test_its_files_are_gone(instance: dg.DagsterInstance) -> None:
    run_id = counting.execute_in_process(instance=instance).run_id
    other = counting.execute_in_process(instance=instance).run_id
    assert named_after(run_id, instance)

    instance.delete_run(run_id)

    assert not named_after(run_id, instance)
    assert named_after(other, instance)
    assert not instance.all_logs(run_id)
    assert instance.all_logs(other)


def test_of_its_checks_only_the_last_of_each_stays(instance: dg.DagsterInstance) -> None:
    first, last = (stocktaking.execute_in_process(instance=instance).run_id for _ in range(2))
    instance.delete_run(first)
    assert executions(instance) == [last]

    instance.delete_run(last)

    assert executions(instance) == [last]


def test_an_id_that_is_no_name_deletes_no_directory(instance: dg.DagsterInstance) -> None:
    kept = Path(instance.root_directory, "dagster.yaml")

    instance.delete_run("..")

    assert kept.exists()
