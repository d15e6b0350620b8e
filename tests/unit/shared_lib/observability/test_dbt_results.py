"""What Dagster shows of a dbt build's leftovers, and what is read of dbt's events."""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from shared_lib.dbt.nodes import node_runs
from shared_lib.dbt.results import not_built, read_results, sql_metadata

STARTED, ENDED = "2026-01-01T10:00:00.000001", "2026-01-01T10:00:05"


def test_long_sql_is_cut_and_marked() -> None:
    assert sql_metadata(None) == {}
    assert sql_metadata("\nselect 1\n")["Compiled SQL"].value == "```sql\nselect 1\n```"
    shown = sql_metadata("x" * 8_123)["Compiled SQL"].value
    assert shown.endswith("x\n-- and 123 characters more\n```")
    assert len(shown) < 8_100


def test_a_build_that_could_not_start_has_no_results(tmp_path: Path) -> None:
    assert read_results(tmp_path, {"nodes": {}}) == {}


def test_a_skipped_model_names_what_it_waited_for_tests_included(tmp_path: Path) -> None:
    def entry(unique_id: str, status: str) -> dict[str, Any]:
        return {
            "unique_id": unique_id, "status": status, "message": None,
            "execution_time": 0.5, "compiled_code": "",
        }  # fmt: skip

    def node(kind: str, *before: str) -> dict[str, Any]:
        return {"resource_type": kind, "depends_on": {"nodes": before}, "config": {}}

    manifest = {
        "nodes": {
            "model.shop.sales": node("model"),
            "test.shop.positive": node("test", "model.shop.sales"),
            "test.shop.unrelated": node("test", "model.shop.other"),
            "model.shop.report": node("model", "model.shop.sales"),
        }
    }
    results = [
        entry("model.shop.sales", "success"),
        entry("test.shop.positive", "fail"),
        entry("test.shop.unrelated", "fail"),
        entry("model.shop.report", "skipped"),
    ]
    (tmp_path / "run_results.json").write_text(json.dumps({"results": results}))
    (shown,) = not_built(
        read_results(tmp_path, manifest),
        manifest,
        {"model.shop.sales": dg.AssetKey("sales"), "model.shop.report": dg.AssetKey("report")},
    )
    assert shown.asset_key == dg.AssetKey("report")
    assert shown.description == "skipped: something before it failed: test.shop.positive"


def event(kind: str, status: str, **data: Any) -> dict[str, Any]:
    return {
        "info": {"name": kind, "invocation_id": "4711"},
        "data": {
            "node_info": {
                "unique_id": "model.shop.years",
                "node_name": "years",
                "resource_type": "model",
                "materialized": "incremental",
                "node_status": status,
                "node_started_at": STARTED,
                "node_finished_at": data.pop("ended", ENDED),
            },
            **data,
        },
    }


def test_a_model_in_batches_is_one_node_with_the_outcome_of_the_whole() -> None:
    def batch(index: int, status: str) -> list[dict[str, Any]]:
        described = f"batch {2024 + index} of main.years"
        return [
            event("NodeFinished", status, run_result={"message": "OK"}),
            event("LogBatchResult", status, batch_index=index, description=described),
        ]

    whole = event(
        "NodeFinished", "Partial Success", run_result={"message": "PARTIAL SUCCESS (1/2)"}
    )
    (node,) = node_runs([*batch(2, "error"), *batch(1, "success"), whole])
    assert (node.status, node.has_failed) == ("partial success", True)
    assert node.message == "PARTIAL SUCCESS (1/2)"
    assert [(one.name, one.has_failed) for one in node.batches] == [
        ("batch 2025", False), ("batch 2026", True),
    ]  # fmt: skip
    assert (node.ended - node.started).total_seconds() == 4.999999


def test_a_skipped_node_ends_when_it_began() -> None:
    (node,) = node_runs([event("NodeFinished", "skipped", ended="", run_result={"message": ""})])
    assert node.was_skipped
    assert node.started == node.ended
    assert (node.message, node.rows, node.failures) == (None, None, None)
    assert node.started.utcoffset() is not None
