"""A code location with something in each state."""

from datetime import timedelta

import dagster as dg

from shared_lib.metadata import board_table


@dg.asset(owners=["team:shop"])
def full() -> dg.MaterializeResult:
    tills = [["north", 3, "open"], ["south", None, "<closed>"]]
    table = board_table("Tills", ["till", "rolls", "state"], tills)
    return dg.MaterializeResult(metadata={**table, "bytes": 2048, "calls": 3, "cpu_seconds": 75.5})


@dg.asset_check(asset=full)
def is_full() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


@dg.asset(
    owners=["ada@example.com"],
    metadata={"runbook": dg.MetadataValue.url("https://wiki.example.com/empty")},
)
def empty() -> None: ...


@dg.asset_check(asset=empty)
def not_empty() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False)


@dg.asset(deps=[empty])
def label() -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"dagster/row_count": 7})


@dg.asset
def odd() -> None: ...


@dg.asset_check(asset=odd)
def looks_odd() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)


@dg.asset
def lost() -> None:
    raise ValueError("no file")


@dg.asset
def late() -> None: ...


@dg.asset(freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=1)))
def prices() -> None: ...


@dg.asset(partitions_def=dg.StaticPartitionsDefinition(["north", "south", "west"]))
def sales(context: dg.AssetExecutionContext) -> None:
    if context.partition_key == "south":
        raise ValueError("no file of the south")


@dg.op
def fails() -> None:
    raise ValueError("the night is short")


@dg.job(tags={"dagster/max_runtime": "600"})
def nightly() -> None:
    fails()


@dg.schedule(job=nightly, cron_schedule="0 3 * * *")
def every_night() -> None: ...


@dg.sensor(job=nightly, default_status=dg.DefaultSensorStatus.RUNNING)
def till_opened() -> None: ...


defs = dg.Definitions(
    schedules=[every_night],
    sensors=[till_opened],
    assets=[full, empty, label, odd, lost, late, prices, sales],
    asset_checks=[is_full, not_empty, looks_odd],
    jobs=[
        nightly,
        dg.define_asset_job(
            "all_shelves",
            selection=dg.AssetSelection.assets(full, empty, label, odd, lost),
        ),
        dg.define_asset_job("sales_job", selection=dg.AssetSelection.assets(sales)),
    ],
)
