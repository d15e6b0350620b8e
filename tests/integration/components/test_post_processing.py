"""The section ``assets`` sets attributes as Dagster's own post-processing does."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from shared_lib.discovery import load_location

Load = Callable[[Mapping[str, str]], dg.Definitions]

ASSETS = """\
import dagster as dg


@dg.asset(
    group_name="code", owners=["team:code"], kinds={"python"}, tags={"from": "code", "tier": "low"},
    metadata={"from": "code"},
)
def orders() -> None: ...


@dg.asset
def other() -> None: ...
"""
# Attributes in the words of our section, and in those of Dagster.
SAME: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"tags": {"tier": "gold", "level": 2}}, {"tags": {"tier": "gold", "level": 2}}),
    ({"group": "trade"}, {"group_name": "trade"}),
    ({"owners": ["team:file"]}, {"owners": ["team:file"]}),
    ({"kinds": ["duckdb", "dbt"]}, {"kinds": ["duckdb", "dbt"]}),
    ({"kinds": ["duckdb"], "tags": {"a": "b"}}, {"kinds": ["duckdb"], "tags": {"a": "b"}}),
    (
        {"automation": {"type": "eager"}},
        {"automation_condition": "{{ dg.AutomationCondition.eager() }}"},
    ),
    (
        {"partitions": {"type": "daily", "start": "2026-01-01", "timezone": "Europe/Berlin"}},
        {
            "partitions_def": {
                "type": "daily",
                "start_date": "2026-01-01",
                "timezone": "Europe/Berlin",
            }
        },
    ),
    (
        {"partitions": {"type": "hourly", "start": "2026-01-01-00:00"}},
        {"partitions_def": {"type": "hourly", "start_date": "2026-01-01-00:00"}},
    ),
    (
        {"partitions": {"type": "weekly", "start": "2026-01-05"}},
        {"partitions_def": {"type": "weekly", "start_date": "2026-01-05"}},
    ),
    (
        {"partitions": {"type": "static", "keys": ["north", "south"]}},
        {"partitions_def": {"type": "static", "partition_keys": ["north", "south"]}},
    ),
]


@pytest.mark.parametrize(("ours", "dagsters"), SAME, ids="-".join)
def test_both_forms_set_the_same(
    ours: dict[str, Any],
    dagsters: dict[str, Any],
    loaded: Load,
    tmp_path: Path,
) -> None:
    processed = loaded(
        {
            "trade/assets.py": ASSETS,
            "trade/defs.yaml": json.dumps(
                {
                    "type": "dagster.DefsFolderComponent",
                    "post_processing": {
                        "assets": [{"target": "key:orders", "attributes": dagsters}]
                    },
                }
            ),
        }
    )
    rule = {**ours, "match": "orders"}
    document: dict[str, Any] = {"asset_modules": ["shop.defs.trade.assets"], "assets": [rule]}
    if "partitions" in rule:
        document["partitions"] = {"named": rule["partitions"]}
        rule["partitions"] = "named"
    file = tmp_path / "orchestration.yaml"
    file.write_text(json.dumps(document), encoding="utf-8")

    assert specs(load_location(file).definitions) == specs(processed)


def specs(definitions: dg.Definitions) -> dict[str, Any]:
    """The attributes that both can set, and metadata, which neither does."""
    return {
        spec.key.to_user_string(): (
            *(spec.group_name, spec.owners, spec.kinds, dict(spec.tags), spec.partitions_def),
            *(spec.automation_condition, spec.freshness_policy, spec.metadata.get("from")),
        )
        for spec in definitions.resolve_all_asset_specs()
    }
