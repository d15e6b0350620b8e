"""A code location with tables of every origin."""

from datetime import timedelta

import dagster as dg

_SCHEMA = dg.TableSchema(
    [
        dg.TableColumn("id", "BIGINT", constraints=dg.TableColumnConstraints(nullable=False)),
        dg.TableColumn("flour", "VARCHAR", description="The flour."),
    ]
)


@dg.asset
def answer() -> None:
    """What the mill answered; not a table."""


@dg.asset(
    deps=[answer],
    owners=["ada@example.com", "team:mill"],
    tags={"tier": "gold", "pii": ""},
    freshness_policy=dg.FreshnessPolicy.time_window(fail_window=timedelta(hours=2)),
)
def flour() -> dg.MaterializeResult:
    """The flour that came."""
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": "raw.flour",
            "dagster/row_count": 3,
            "dagster/column_schema": _SCHEMA,
        }
    )


@dg.asset_check(asset=flour)
def is_white() -> dg.AssetCheckResult:
    """The flour is white."""
    return dg.AssetCheckResult(passed=False, description="It is   brown.")


@dg.asset_check(asset=flour)
def is_new() -> dg.AssetCheckResult:
    """Nobody has run it."""
    return dg.AssetCheckResult(passed=True)


@dg.asset(deps=[flour], freshness_policy=dg.FreshnessPolicy.cron(
    deadline_cron="0 5 * * *", lower_bound_delta=timedelta(hours=1), timezone="Europe/Berlin",
))  # fmt: skip
def oven() -> None:
    """Between two tables."""


@dg.asset(deps=[oven])
def bread() -> dg.MaterializeResult:
    lineage = dg.TableColumnLineage(
        {"flour": [dg.TableColumnDep(asset_key=flour.key, column_name="flour")]}
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/table_name": "shop.raw.bread",
            "dagster/column_schema": dg.TableSchema([dg.TableColumn("flour", "VARCHAR")]),
            "dagster/column_lineage": lineage,
        }
    )


day = dg.define_asset_job(
    "day",
    dg.AssetSelection.assets(answer, flour, oven, bread) - dg.AssetSelection.checks(is_new),
)
defs = dg.Definitions(
    assets=[answer, flour, oven, bread], asset_checks=[is_white, is_new], jobs=[day]
)
