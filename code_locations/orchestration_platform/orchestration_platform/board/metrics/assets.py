"""Metrics of assets."""

from collections.abc import Iterable, Sequence

from orchestration_platform.board.asset_health import AssetHealth
from orchestration_platform.board.metrics.metric import Family, Metric

_ASSET = ("asset_key", "location", "group")

HEALTH = Metric(
    "dagster_asset_health",
    "1 with the health of the asset: healthy, warning, degraded or unknown",
    (*_ASSET, "health"),
)
FRESHNESS = Metric(
    "dagster_asset_freshness_status",
    "1 with the state by the freshness policy of the asset: pass, warn, fail or unknown",
    (*_ASSET, "status"),
)
STALE = Metric(
    "dagster_asset_stale_status",
    "1 with whether the asset has what its code and data would now make: fresh, stale or missing",
    (*_ASSET, "status"),
)
LAST_STATUS = Metric(
    "dagster_asset_last_materialization_status",
    "1 with the status of the last run that was to materialize the asset",
    (*_ASSET, "status"),
)
LAST_TIME = Metric(
    "dagster_asset_last_materialization_timestamp_seconds",
    "Time of the last materialization of the asset",
    _ASSET,
)
PUBLISHED = Metric(
    "dagster_asset_published_value",
    "Number in a table that the asset publishes for the board, such as the calls left to a bank",
    ("asset_key", "location", "table", "row", "column"),
)
METRICS = (HEALTH, FRESHNESS, STALE, LAST_STATUS, LAST_TIME, PUBLISHED)


def families(assets: Sequence[AssetHealth]) -> Iterable[Family]:
    """Yield the metrics of the assets."""
    health, last_time, published = HEALTH.family(), LAST_TIME.family(), PUBLISHED.family()
    statuses = FRESHNESS.family(), STALE.family(), LAST_STATUS.family()
    for asset in assets:
        names = [asset.name, asset.location, asset.group]
        health.add_metric([*names, asset.health.name.lower()], 1)
        found = asset.freshness, asset.stale_status, asset.last_run_status
        for family, status in zip(statuses, found, strict=True):
            if status:
                family.add_metric([*names, status], 1)
        if asset.last_success_at:
            last_time.add_metric(names, asset.last_success_at)
        for labels, number in _published(asset).items():
            published.add_metric(labels, number)
    yield from (health, *statuses, last_time, published)


def _published(asset: AssetHealth) -> dict[tuple[str, ...], float]:
    """Return each number of the tables; the first column names the row."""
    found = {}
    for title, table in asset.tables.items():
        first, *others = [column.name for column in table.schema.columns]
        for record in table.records:
            row = str(record.data.get(first))
            for column in others:
                number = record.data.get(column)
                if isinstance(number, int | float):
                    labels = asset.name, asset.location, title, row, column
                    found[labels] = float(number)
    return found
