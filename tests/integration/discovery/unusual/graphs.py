"""Assets that are made by graphs of steps, or by nothing in this location."""

import dagster as dg


@dg.op
def fetch() -> int:
    return 1


@dg.graph_asset
def pages() -> int:
    return fetch()


@dg.graph_multi_asset(outs={"words": dg.AssetOut(), "lines": dg.AssetOut()})
def texts():
    return {"words": fetch(), "lines": fetch()}


elsewhere = dg.AssetsDefinition(specs=[dg.AssetSpec("elsewhere")])


@dg.sensor()
def taken_by_a_sensor() -> None: ...


@dg.schedule(cron_schedule="@daily", target="*")
def taken_by_a_schedule() -> None: ...
