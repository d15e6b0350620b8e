"""A location of its own for the tests: two Python assets around a dbt project that fails."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DbtProject, dbt_assets

from shared_lib.configuration.environment import current_settings
from shared_lib.dbt.translator import PlatformDbtTranslator
from shared_lib.dbt_step.build import DbtBuild
from shared_lib.metadata import table_metadata
from shared_lib.warehouse import Warehouse

YEARS = ["--event-time-start", "2024-01-01", "--event-time-end", "2026-01-01"]


def project_directory() -> Path:
    """Where the tests keep their copy of the project, parsed: beside the warehouse."""
    return current_settings().data_directory.parent / "dbt_project"


@dg.asset
def raw_orders(warehouse: Warehouse) -> dg.MaterializeResult:
    with warehouse.writing() as connection:
        connection.execute("create schema if not exists raw")
        connection.execute(
            "create or replace table raw.orders as select * from (values "
            "(date '2024-05-01', 'pear', 2), (date '2025-06-01', 'plum', 4), "
            "(date '2025-07-01', 'plum', 1)) as orders (day, article, pieces)"
        )
        metadata = table_metadata(connection, [("raw", "orders")])
    return dg.MaterializeResult(metadata=metadata["raw", "orders"])


@dg.asset(deps=["sales"])
def newsletter() -> None:
    raise dg.Failure("the printer is out of paper")


@dg.asset(deps=[raw_orders], retry_policy=dg.RetryPolicy(max_retries=1))
def loading_list(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
    """Reads what another step, and maybe another process, has written."""
    context.log.info("packing")
    if context.op_execution_context.retry_number == 0:
        raise TimeoutError("the lorry is late")
    with warehouse.reading() as connection:
        assert connection.execute("from raw.orders").fetchall()


def shop_models(*, per_model: bool = True) -> dg.AssetsDefinition:
    manifest = json.loads((project_directory() / "target" / "manifest.json").read_bytes())
    translator = PlatformDbtTranslator("shop")

    @dbt_assets(
        manifest=manifest,
        project=DbtProject(project_directory()),
        name="shop_models",
        exclude="resource_type:unit_test",
        dagster_dbt_translator=translator,
    )
    def shop_models(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
        build = DbtBuild(
            context=context,
            warehouse=warehouse,
            manifest=manifest,
            translator=translator,
            arguments=YEARS,
            project_directory=project_directory(),
            per_model=per_model,
        )
        yield from build.events()
        if build.failure is not None:
            raise build.failure

    return shop_models


def definitions(*assets: Any) -> dg.Definitions:
    return dg.Definitions(
        assets=list(assets),
        resources={"warehouse": Warehouse(location="shop", wait_seconds=0)},
        jobs=[dg.define_asset_job("shop", selection="*")],
    )


def whole_job() -> dg.JobDefinition:
    return definitions(raw_orders, shop_models()).resolve_job_def("shop")


def python_job() -> dg.JobDefinition:
    return definitions(raw_orders, newsletter, loading_list).resolve_job_def("shop")
