"""Jobs that fail in the ways that real ones do."""

import os

import dagster as dg


@dg.op
def plain_error() -> None:
    raise ValueError("row 17 of 2,000 is bad")


@dg.op
def chained_error() -> None:
    try:
        _ = 1 / 0
    except ZeroDivisionError as error:
        raise RuntimeError("the report could not be made") from error


@dg.op
def intentional() -> None:
    raise dg.Failure("the census has no rows", metadata={"rows": 0})


@dg.op(retry_policy=dg.RetryPolicy(max_retries=1))
def out_of_retries() -> None:
    raise KeyError("salary")


@dg.resource
def no_database(_context: dg.InitResourceContext) -> None:
    raise OSError("no database at db.example.com")


@dg.op(required_resource_keys={"database"})
def needs_database() -> None: ...


@dg.op(out=dg.DynamicOut())
def three():
    for number in range(3):
        yield dg.DynamicOutput(number, str(number))


@dg.op
def each(number: int) -> None:
    raise ValueError(f"item {number} is bad")


@dg.op(config_schema={"says": dg.Field(str, is_required=False)})
def told(context: dg.OpExecutionContext) -> None:
    text = context.op_config.get("says")
    if text:
        raise ValueError(text)


@dg.job
def plain_job() -> None:
    plain_error()


@dg.job
def other_job() -> None:
    plain_error()


@dg.job
def chained_job() -> None:
    chained_error()


@dg.job
def intentional_job() -> None:
    intentional()


@dg.job
def retrying_job() -> None:
    out_of_retries()


@dg.job(resource_defs={"database": no_database})
def database_job() -> None:
    needs_database()


@dg.job
def dynamic_job() -> None:
    three().map(each)


@dg.job
def told_job() -> None:
    told()


@dg.asset(partitions_def=dg.StaticPartitionsDefinition([f"part_{n:02}" for n in range(30)]))
def sales(context: dg.AssetExecutionContext) -> None:
    if "ALERT_TEST_FIXED" not in os.environ:
        raise ValueError(f"no file for {context.partition_key}")


def fail(instance: dg.DagsterInstance, job: dg.JobDefinition = plain_job) -> str:
    """Runs a job that fails; returns the run's id."""
    result = job.execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    return result.run_id


def say(instance: dg.DagsterInstance, text: str | None, tags: dict[str, str] | None = None) -> str:
    """Runs ``told_job``, which fails with ``text``, or without one succeeds."""
    config = {"ops": {"told": {"config": {"says": text} if text else {}}}}
    result = told_job.execute_in_process(
        instance=instance, run_config=config, raise_on_error=False, tags=tags
    )
    assert result.success is (text is None)
    return result.run_id
