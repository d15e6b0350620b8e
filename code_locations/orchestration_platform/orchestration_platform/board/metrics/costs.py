"""Metrics of what assets and jobs cost."""

from collections.abc import Iterable, Mapping, Sequence

from orchestration_platform.board.asset_health import AssetHealth
from orchestration_platform.board.history.materializations import Materializations
from orchestration_platform.board.history.run_window import JobName
from orchestration_platform.board.metrics.metric import Family, Metric

OF_ASSET = Metric(
    "dagster_asset_recent_cost",
    "Sum of what the materializations of 14 days recorded: seconds, cpu_seconds, rows, bytes or "
    "calls",
    ("asset_key", "location", "group", "what"),
)
OF_JOB = Metric(
    "dagster_job_recent_cost",
    "Sum over the runs of 14 days: seconds from start to end, and cpu_seconds, rows, bytes or "
    "calls of their materializations",
    ("job_name", "location", "what"),
)
METRICS = (OF_ASSET, OF_JOB)


def families(
    assets: Sequence[AssetHealth],
    history: Materializations,
    costs: Mapping[JobName, Mapping[str, float]],
) -> Iterable[Family]:
    """Yield the metrics of what assets and jobs cost."""
    of_asset, of_job = OF_ASSET.family(), OF_JOB.family()
    for asset in assets:
        known = history.assets.get(asset.name)
        if known is None:
            continue
        names = [asset.name, asset.location, asset.group]
        if known.seconds:
            of_asset.add_metric([*names, "seconds"], sum(known.seconds))
        for what, number in known.amounts.items():
            of_asset.add_metric([*names, what], number)
    for (location, job), sums in sorted(costs.items()):
        for what, number in sums.items():
            of_job.add_metric([job, location, what], number)
    yield from (of_asset, of_job)
