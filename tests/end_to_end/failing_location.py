"""A code location in which everything fails, each thing in its own way."""

import os
import signal
from datetime import timedelta

import dagster as dg
from tests.support.failing_jobs import (
    chained_job,
    database_job,
    dynamic_job,
    intentional_job,
    plain_job,
    retrying_job,
    told_job,
)

PARTITIONS = [f"part_{number:02}" for number in range(12)]


@dg.op
def started_again() -> None:
    raise ConnectionError("the bank hung up")


@dg.op
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dg.failure_hook
def broken_hook(_context: dg.HookContext) -> None:
    raise LookupError("the hook is broken")


@dg.op
def hooked() -> None:
    raise ValueError("the step is bad")


def _dbt(*command: str) -> None:
    from pathlib import Path

    from shared_lib.dbt.invocation import invoke_dbt
    from shared_lib.dbt.project import DUCKDB_PATH_VARIABLE, target_directory

    invoke_dbt(
        command,
        warehouse=Path(os.environ[DUCKDB_PATH_VARIABLE]),
        target=target_directory("simulation") / f"failing-{os.getpid()}",
        on_event=lambda _event: None,
    )


@dg.op
def dbt_models() -> None:
    """Without the table that the model reads."""
    _dbt("run", "--select", "stg_age_bands")


@dg.op
def dbt_tests() -> None:
    """On levels of which two are wrong."""
    import duckdb

    from shared_lib.dbt.project import DUCKDB_PATH_VARIABLE

    with duckdb.connect(os.environ[DUCKDB_PATH_VARIABLE]) as connection:
        connection.execute("create schema seeds")
        connection.execute(
            "create table seeds.job_levels as select * from (values (1, 'Staff', 10, 20), "
            "(2, null, 30, 40), (4, 'Senior', 50, 60)) "
            "as levels(level, level_name, min_compensation, max_compensation)"
        )
    _dbt("test", "--select", "job_levels_ascend")


@dg.job(tags={"dagster/max_retries": "1", "dagster/retry_on_asset_or_op_failure": "true"})
def started_again_job() -> None:
    started_again()


@dg.job(executor_def=dg.multiprocess_executor)
def killed_step_job() -> None:
    killed()


@dg.job
def killed_run_job() -> None:
    killed()


@dg.job(hooks={broken_hook})
def hooked_job() -> None:
    hooked()


@dg.job
def dbt_job() -> None:
    dbt_models()
    dbt_tests()


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(PARTITIONS),
    backfill_policy=dg.BackfillPolicy.multi_run(),
)
def sales(context: dg.AssetExecutionContext) -> None:
    raise ValueError(f"no file for {context.partition_key}")


@dg.asset(owners=["team:shop"])
def shelves() -> None: ...


@dg.asset_check(asset=shelves)
def shelves_are_full() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, description="12 shelves are empty")


# Dagster allows no shorter one.
@dg.asset(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(seconds=61)))
def prices() -> None: ...


@dg.schedule(
    cron_schedule="* * * * *",
    target=plain_job,
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def broken_schedule() -> dg.RunRequest:
    raise LookupError("no calendar of holidays")


defs = dg.Definitions(
    assets=[sales, shelves, prices],
    asset_checks=[shelves_are_full],
    schedules=[broken_schedule],
    jobs=[
        plain_job,
        chained_job,
        intentional_job,
        retrying_job,
        started_again_job,
        database_job,
        killed_step_job,
        killed_run_job,
        hooked_job,
        dynamic_job,
        told_job,
        dbt_job,
    ],
    executor=dg.in_process_executor,
)
