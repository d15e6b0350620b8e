"""Assets of a location that has something of everything."""

from pathlib import Path

import dagster as dg

ATTEMPTS: list[int] = []


@dg.asset(tags={"origin": "code"}, owners=["team:code"])
def orders() -> dg.MaterializeResult:
    """Made without looking anywhere."""
    return dg.MaterializeResult(metadata={"dagster/row_count": 3})


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


@dg.multi_asset(specs=[dg.AssetSpec("left"), dg.AssetSpec("right")])
def both():
    yield dg.MaterializeResult("left")
    yield dg.MaterializeResult("right")


regions = [dg.AssetSpec(["reference", "regions"]), dg.AssetSpec(["reference", "currencies"])]


@dg.asset_check(asset=orders)
def orders_are_there() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.job
def job_in_code() -> None: ...


ready = dg.AutomationCondition.newly_missing()


def note(context: dg.OpExecutionContext, path: str, lines: list[str]) -> None:
    """Write lines, and which run did so."""
    Path(path).write_text("\n".join([*lines, context.run_id]))


def watch(context: dg.SensorEvaluationContext) -> dg.RunRequest:
    return dg.RunRequest(run_key=f"custom-{context.cursor}")


def shops() -> list[str]:
    """Keys of partitions."""
    return ["Lyon", "Oslo", "Riga"]
