"""A code location with something of each kind that a run may be the last of."""

import dagster as dg

QUARTERS = dg.StaticPartitionsDefinition(["north", "south", "west"])


class Weather(dg.Config):
    is_good: bool = True


@dg.asset(partitions_def=QUARTERS)
def sales(config: Weather) -> None:
    if not config.is_good:
        raise ValueError("it rains")


@dg.asset
def stock() -> int:
    return 1


@dg.asset_check(asset=stock)
def is_there(config: Weather) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=config.is_good)


@dg.op
def opens(config: Weather) -> None:
    if not config.is_good:
        raise ValueError("it rains")


@dg.job
def opening() -> None:
    opens()


@dg.schedule(job=opening, cron_schedule="0 6 * * *")
def every_morning() -> None: ...


defs = dg.Definitions(
    assets=[sales, stock],
    asset_checks=[is_there],
    schedules=[every_morning],
    jobs=[
        opening,
        dg.define_asset_job("selling", selection=dg.AssetSelection.assets(sales)),
        dg.define_asset_job("counting", selection=dg.AssetSelection.assets(stock)),
    ],
)
