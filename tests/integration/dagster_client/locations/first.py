"""A location with a job for each way in which a run can go."""

import time
from pathlib import Path

import dagster as dg


@dg.op(config_schema={"connection_id": dg.Field(str, is_required=False)})
def succeed(context: dg.OpExecutionContext) -> None:
    context.log.info(f"connection {context.op_config.get('connection_id')}")


@dg.op
def fail() -> None:
    raise dg.Failure("as it should")


@dg.op(config_schema={"until": dg.Field(str, is_required=False)})
def take_long(context: dg.OpExecutionContext) -> None:
    """Go on until the file is there that the configuration names; without one for 4 s."""
    until = context.op_config.get("until")
    deadline = time.monotonic() + (120 if until else 4)
    while time.monotonic() < deadline and not (until and Path(until).exists()):
        time.sleep(0.1)


@dg.job
def ok_job() -> None:
    succeed()


@dg.job
def failing_job() -> None:
    fail()


@dg.job
def slow_job() -> None:
    take_long()


@dg.job
def shared_job() -> None:
    succeed()


@dg.asset(
    partitions_def=dg.StaticPartitionsDefinition(["2025", "2026", "2027"]),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def years() -> None: ...


defs = dg.Definitions(
    assets=[years],
    jobs=[
        *(ok_job, failing_job, slow_job, shared_job),
        dg.define_asset_job("years_job", [years]),
    ],
    executor=dg.in_process_executor,
)
