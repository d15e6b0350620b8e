"""The names of the datasets of assets."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from shared_lib.metadata import column_lineage
from shared_lib.observability.lineage.asset_datasets import DatasetName, Relations, WrittenDataset

MANIFEST = {
    "sources": {
        f"source.shop.raw.{table}": {
            "name": table, "identifier": table, "database": "shop", "schema": "raw",
            "meta": {"dagster": {"asset_key": ["opening"]}},
        }
        for table in ("orders", "articles")
    },
    "nodes": {
        "model.shop.sales": {
            "name": "sales", "alias": "sales_v2", "database": "shop", "schema": "marts",
            "resource_type": "model",
        },
        "test.shop.opening": {"name": "opening", "resource_type": "test"},
    },
}  # fmt: skip


@pytest.fixture
def relations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Relations:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path))
    return Relations(
        context=dg.build_asset_context(),
        warehouse=tmp_path / "shop.duckdb",
        manifest=MANIFEST,
        namespace="platform",
    )


def materialized(key: str, **metadata: Any) -> dg.AssetMaterialization:
    return dg.AssetMaterialization(key, metadata=metadata)


def test_a_table_goes_by_the_name_that_the_warehouse_has_for_it(
    relations: Relations, tmp_path: Path
) -> None:
    metadata = {
        "dagster/table_name": "raw.weights",
        "dagster/row_count": 4,
        "dagster/column_schema": dg.TableSchema(
            columns=[dg.TableColumn("grams", "integer", description="Net.")]
        ),
        **column_lineage({"grams": [(dg.AssetKey("sales"), "amount")]}),
    }
    file = f"duckdb://{tmp_path / 'shop.duckdb'}"
    assert relations.written(materialized("weights", **metadata)) == [
        WrittenDataset(
            DatasetName(file, "shop.raw.weights"),
            columns=[("grams", "integer", "Net.")],
            rows=4,
            column_origins={"grams": [(DatasetName(file, "shop.marts.sales_v2"), "amount")]},
        )
    ]


def test_an_asset_of_several_tables_is_every_table_of_its_sources(
    relations: Relations, tmp_path: Path
) -> None:
    file = f"duckdb://{tmp_path / 'shop.duckdb'}"
    both = [DatasetName(file, "shop.raw.orders"), DatasetName(file, "shop.raw.articles")]
    assert relations.of_asset(dg.AssetKey("opening")) == both
    one = materialized("opening", **{"dagster/table_name": "raw.articles"})
    assert [written.name for written in relations.written(one)] == [both[1], both[0]]


def test_an_asset_without_a_table_has_its_key_as_name(relations: Relations) -> None:
    (written,) = relations.written(dg.AssetMaterialization(["reports", "letter"]))
    assert written == WrittenDataset(DatasetName("platform", "reports/letter"))
    assert relations.of_asset(dg.AssetKey("letter")) == [DatasetName("platform", "letter")]
