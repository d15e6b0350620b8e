"""A location with a job of the same name as one of the first."""

import dagster as dg


@dg.op
def nothing() -> None: ...


@dg.job
def shared_job() -> None:
    nothing()


@dg.job
def second_job() -> None:
    nothing()


defs = dg.Definitions(jobs=[shared_job, second_job], executor=dg.in_process_executor)
