"""The limits that a dbt source declares for its age, as a check of the asset that writes it."""

import json
from pathlib import Path

import dagster as dg
from tests.integration.observability.conftest import MakeInstance
from tests.integration.observability.shop import (
    definitions,
    project_directory,
    raw_orders,
    shop_models,
)

from shared_lib.dbt.translator import PlatformDbtTranslator
from shared_lib.dbt_step.source_freshness import source_freshness


def freshness_job(selection: dg.AssetSelection | None = None) -> dg.JobDefinition:
    manifest = json.loads((project_directory() / "target/manifest.json").read_bytes())
    checks = source_freshness(
        shop_models(),
        manifest,
        PlatformDbtTranslator("shop"),
        project_directory=project_directory(),
    )
    chosen = dg.define_asset_job("chosen", selection or dg.AssetSelection.all())
    more = dg.Definitions(asset_checks=checks, jobs=[chosen])
    return dg.Definitions.merge(definitions(raw_orders), more).resolve_job_def("chosen")


def test_a_source_that_is_too_old_fails_its_check_as_dbt_says(
    shop: Path, instance: MakeInstance
) -> None:
    with instance() as dagster:
        result = freshness_job().execute_in_process(instance=dagster)
    [found] = result.get_asset_check_evaluations()
    assert (found.asset_key, found.check_name) == (dg.AssetKey("raw_orders"), "raw_orders_is_fresh")
    # the newest order is of 2025, and dbt warns after a day
    assert (found.passed, found.severity) == (False, dg.AssetCheckSeverity.WARN)
    assert found.metadata["dbt/max_loaded_at"].value.startswith("2025-07-01")
    assert "hours old" in (found.description or "")


def test_a_source_that_dbt_cannot_read_fails_the_step(shop: Path, instance: MakeInstance) -> None:
    with instance() as dagster:
        result = freshness_job(dg.AssetSelection.all_asset_checks()).execute_in_process(
            instance=dagster, raise_on_error=False
        )
    assert not result.success
    assert result.get_asset_check_evaluations() == []
