"""Assets, checks, a job and functions that ``orchestration.yaml`` adds to or names."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from shared_lib.metadata import relation_metadata
from shared_lib.warehouse import Warehouse

ATTEMPTS: list[int] = []


class Sales(dg.Config):
    """How much a run pretends to have sold."""

    orders: int = 3


@dg.asset(tags={"origin": "code"}, owners=["team:code"])
def orders(config: Sales, warehouse: Warehouse) -> dg.MaterializeResult:
    """Orders in the warehouse, which the checks of the file query."""
    with warehouse.writing() as connection:
        connection.execute("create schema if not exists shop")
        connection.execute(
            "create or replace table shop.orders as "
            "select id, 5 * id as price from range(1, ? + 1) as sold (id)",
            [config.orders],
        )
        return dg.MaterializeResult(metadata=relation_metadata(connection, "shop", "orders"))


@dg.asset(deps=[orders])
def invoices(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    """Partitioned only by the file; records the partitions that it was made for."""
    return dg.MaterializeResult(metadata={"made": ",".join(context.partition_keys)})


@dg.asset
def shaky(context: dg.AssetExecutionContext) -> None:
    """Fails at its first attempt."""
    ATTEMPTS.append(context.retry_number)
    if context.retry_number == 0:
        raise RuntimeError("the first attempt")


@dg.multi_asset(
    specs=[
        dg.AssetSpec("left", description="Made with the right one, in one step."),
        dg.AssetSpec("right", description="Made with the left one, in one step."),
    ]
)
def both() -> Iterator[dg.MaterializeResult]:
    """Make left and right."""
    yield dg.MaterializeResult("left")
    yield dg.MaterializeResult("right")


regions = [
    dg.AssetSpec(["reference", name], description=f"The {name}, which something else makes.")
    for name in ("regions", "currencies")
]


@dg.asset_check(asset=orders)
def orders_are_there() -> dg.AssetCheckResult:
    """A check in code; the others are in the file."""
    return dg.AssetCheckResult(passed=True)


@dg.op
def count_to_three(context: dg.OpExecutionContext) -> None:
    """Log some numbers."""
    context.log.info("1, 2, 3")


@dg.job
def job_in_code() -> None:
    """A job in code; the others are in the file."""
    count_to_three()


@dg.success_hook
def says_so(context: dg.HookContext) -> None:
    """Log the name of each step that ends well, in the jobs that name this hook."""
    context.log.info(f"{context.op.name} ended well")


ready = dg.AutomationCondition.newly_missing()


def note(context: dg.OpExecutionContext, path: str, lines: list[str]) -> None:
    """Write lines, and which run did so."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text("\n".join([*lines, context.run_id]))


def watch(context: dg.SensorEvaluationContext) -> dg.RunRequest:
    """Start one run for each cursor, so one in all."""
    return dg.RunRequest(run_key=f"custom-{context.cursor}")


def shops() -> list[str]:
    """Keys of partitions."""
    return ["Lyon", "Oslo", "Riga"]
