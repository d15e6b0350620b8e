"""Reports of a dbt build in which a model fails, one is skipped, a test warns and one fails.

The receivers are real servers; the build runs once, and every test looks at what came of it.
"""

import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.observability.conftest import MakeInstance, enter
from tests.integration.observability.openlineage_schema import violations
from tests.integration.observability.shop import definitions, raw_orders, shop_models, whole_job

from sandboxes.telemetry import Receiver, receiving
from shared_lib.dbt.failed_nodes import FailedNode, FailedNodes

NODES = {
    "source_not_null_raw_orders_article": "pass",
    "prices": "success",
    "no_negative_price": "pass",
    "sales": "success",
    "tariffs": "error",
    "invoices": "skipped",
    "price_history": "success",
    "sales_by_year": "success",
    "unique_sales_article": "warn",
    "not_null_sales_by_year_amount": "pass",
    "accepted_values_sales_by_year_amount__False__6": "fail",
    "not_null_invoices_article": "skipped",
}
UNSET, ERROR = 0, 2


@dataclass(frozen=True)
class Built:
    """A finished run, what the receiver received of it, and what it left."""

    run_id: str
    receiver: Receiver
    materializations: dict[str, dg.AssetMaterialization]
    observations: dict[str, dg.AssetObservation]
    checks: dict[str, dg.AssetCheckEvaluation]
    warehouse: Path
    timings: dict[str, tuple[datetime, datetime]]
    failed: tuple[FailedNode, ...]

    @property
    def database(self) -> str:
        return f"duckdb://{self.warehouse}"

    def ended(self, unique_id: str) -> dict[str, Any]:
        return self.receiver.events_of(unique_id)[-1]


@pytest.fixture(scope="module")
def built(
    parsed_shop: Path, shop_variables: dict[str, str], instance: MakeInstance
) -> Iterator[Built]:
    warehouse = parsed_shop / "data" / "shop.duckdb"
    with receiving() as receiver, pytest.MonkeyPatch.context() as patch, instance() as dagster:
        enter(shop_variables, patch)
        patch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        patch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=shop%20floor")
        patch.setenv("OPENLINEAGE_URL", receiver.url)
        patch.setenv("OPENLINEAGE_NAMESPACE", "platform")
        warehouse.unlink(missing_ok=True)
        result = whole_job().execute_in_process(instance=dagster, raise_on_error=False)
        assert not result.success
        targets = parsed_shop / "dbt_project" / "target"
        (target,) = targets.glob(f"shop_models-{result.run_id[:8]}-*")
        yield Built(
            run_id=result.run_id,
            receiver=receiver,
            materializations={
                event.asset_key.to_user_string(): event.materialization
                for event in result.get_asset_materialization_events()
                if event.asset_key
            },
            observations={
                seen.asset_key.to_user_string(): seen
                for event in result.get_asset_observation_events()
                if (seen := event.asset_observation_data.asset_observation)
            },
            checks={check.check_name: check for check in result.get_asset_check_evaluations()},
            warehouse=warehouse,
            timings=_timings(json.loads((target / "run_results.json").read_bytes())),
            failed=_failed_nodes(result),
        )


def _timings(results: dict[str, Any]) -> dict[str, tuple[datetime, datetime]]:
    """When dbt executed each node, by its own artifact rather than by its events."""
    return {
        entry["unique_id"]: (_moment(timing["started_at"]), _moment(timing["completed_at"]))
        for entry in results["results"]
        for timing in entry["timing"]
        if timing["name"] == "execute"
    }


def _failed_nodes(result: dg.ExecuteInProcessResult) -> tuple[FailedNode, ...]:
    data = result.failure_data_for_node("shop_models")
    assert data is not None
    assert data.user_failure_data is not None
    return FailedNodes.from_metadata(data.user_failure_data.metadata).nodes


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_every_node_has_a_span_with_its_status(built: Built) -> None:
    nodes = {span.name: span for span in built.receiver.spans if "dbt.unique_id" in span.attributes}
    batches = {name for name in nodes if " batch " in name}
    assert batches == {"sales_by_year batch 2024", "sales_by_year batch 2025"}
    assert {n: s.attributes["dbt.status"] for n, s in nodes.items() if n not in batches} == NODES
    failed = {name for name, span in nodes.items() if span.status == ERROR}
    assert failed == {"tariffs", "accepted_values_sales_by_year_amount__False__6"}
    assert "there is no tariff for pear" in nodes["tariffs"].message


def test_spans_are_under_their_step_under_their_run_in_one_trace(built: Built) -> None:
    run, step = built.receiver.span("shop"), built.receiver.span("shop_models")
    assert {span.trace_id for span in built.receiver.spans} == {built.run_id.replace("-", "")}
    assert run.parent_id == ""
    assert {built.receiver.span(name).parent_id for name in ("raw_orders", "shop_models")} == {
        run.span_id
    }
    assert {built.receiver.span(name).parent_id for name in NODES} == {step.span_id}
    model = built.receiver.span("sales_by_year")
    assert built.receiver.span("sales_by_year batch 2024").parent_id == model.span_id
    ids = [span.span_id for span in built.receiver.spans]
    assert len(ids) == len(set(ids))


def test_a_span_has_the_attributes_of_its_model(built: Built) -> None:
    sales = built.receiver.span("sales")
    assert sales.service == "dagster"
    del sales.attributes["dbt.invocation_id"]
    assert sales.attributes == {
        "dagster.run_id": built.run_id,
        "dagster.step_key": "shop_models",
        "dagster.asset": "sales",
        "deployment.environment.name": "ci",
        "db.system.name": "duckdb",
        "db.namespace": "shop.main",
        "db.collection.name": "sales",
        "dbt.project": "shop",
        "dbt.target": "duckdb",
        "dbt.model": "sales",
        "dbt.unique_id": "model.shop.sales",
        "dbt.resource_type": "model",
        "dbt.materialization": "table",
        "dbt.status": "success",
        "dbt.message": "OK",
        "dbt.rows": 3,
    }
    assert built.receiver.span("unique_sales_article").attributes["dbt.failures"] == 1


def test_the_times_of_a_span_are_those_of_dbt(built: Built) -> None:
    step = built.receiver.span("shop_models")
    for span in built.receiver.spans:
        executed = built.timings.get(span.attributes.get("dbt.unique_id", ""))
        if executed is None or " batch " in span.name:
            continue
        began, ended = (int(moment.timestamp() * 1e9) for moment in executed)
        # a span covers the execution, and little more
        assert step.start < span.start <= began <= ended <= span.end < step.end, span.name
        assert span.end - span.start < ended - began + 2e9, span.name
    assert len(built.timings) == len(NODES) - 2
    assert built.receiver.span("sales").start > built.receiver.span("prices").end


def test_every_node_starts_and_then_completes_fails_or_is_aborted(built: Built) -> None:
    ends = {
        "success": "COMPLETE", "pass": "COMPLETE", "warn": "COMPLETE",
        "error": "FAIL", "fail": "FAIL", "skipped": "ABORT",
    }  # fmt: skip
    nodes = {s.attributes["dbt.unique_id"]: s for s in built.receiver.spans if s.name in NODES}
    assert len(nodes) == len(NODES)
    for unique_id, span in nodes.items():
        events = built.receiver.events_of(unique_id)
        first, last = [event for event in events if event["eventType"] != "OTHER"]
        assert first["eventType"] == "START"
        assert last["eventType"] == ends[NODES[span.name]], unique_id
        assert first["run"]["runId"] == last["run"]["runId"]
        assert int(_moment(first["eventTime"]).timestamp() * 1e6) == span.start // 1000
        assert int(_moment(last["eventTime"]).timestamp() * 1e6) == span.end // 1000
    assert len({event["run"]["runId"] for event in built.receiver.events}) == len(NODES) + 3


def test_the_dagster_run_is_the_parent_of_nodes_and_steps(built: Built) -> None:
    parent = {
        "run": {"runId": built.run_id},
        "job": {"namespace": "platform", "name": "shop"},
    }
    children = [event for event in built.receiver.events if event["job"]["name"] != "shop"]
    for event in children:
        facet = event["run"]["facets"]["parent"]
        assert {"run": facet["run"], "job": facet["job"]} == parent
        assert facet["root"] == parent
    run = built.receiver.events_of("shop")
    assert [event["eventType"] for event in run] == ["START", "FAIL"]
    assert {event["run"]["runId"] for event in run} == {built.run_id}


def test_inputs_and_outputs_have_the_names_of_the_warehouse(built: Built) -> None:
    def names(datasets: list[dict[str, Any]]) -> set[tuple[str, str]]:
        return {(dataset["namespace"], dataset["name"]) for dataset in datasets}

    raw = built.ended("shop.raw_orders")
    assert names(raw["outputs"]) == {(built.database, "shop.raw.orders")}
    sales = built.ended("model.shop.sales")
    assert names(sales["inputs"]) == {
        (built.database, "shop.raw.orders"),
        (built.database, "shop.main.prices"),
    }
    assert names(sales["outputs"]) == {(built.database, "shop.main.sales")}
    history = built.ended("snapshot.shop.price_history")
    assert names(history["outputs"]) == {(built.database, "shop.main.price_history")}
    tests = [event for event in built.receiver.events if event["job"]["name"].startswith("test.")]
    assert all(event["inputs"] and event["outputs"] == [] for event in tests)
    # the nodes of a dbt step report its datasets
    assert built.ended("shop.shop_models")["outputs"] == []


def test_an_output_has_its_schema_column_lineage_and_rows(built: Built) -> None:
    (sales,) = built.ended("model.shop.sales")["outputs"]
    assert [
        (column["name"], column["type"], column.get("description"))
        for column in sales["facets"]["schema"]["fields"]
    ] == [
        ("day", "date", None),
        ("article", "varchar", "What was sold."),
        ("amount", "integer", None),
    ]
    fields = sales["facets"]["columnLineage"]["fields"]
    origins = {
        column: {(origin["name"], origin["field"]) for origin in found["inputFields"]}
        for column, found in fields.items()
    }
    assert origins == {
        "day": {("shop.raw.orders", "day")},
        "article": {("shop.raw.orders", "article")},
        "amount": {("shop.raw.orders", "pieces"), ("shop.main.prices", "price")},
    }
    assert sales["outputFacets"]["outputStatistics"]["rowCount"] == 3


def test_sql_and_errors_are_reported(built: Built) -> None:
    failed = built.ended("model.shop.tariffs")
    assert failed["job"]["facets"]["sql"]["query"].startswith("select article, error(")
    assert '"shop"."main"."prices"' in failed["job"]["facets"]["sql"]["query"]
    error = failed["run"]["facets"]["errorMessage"]
    assert "there is no tariff for pear" in error["message"]
    assert error["programmingLanguage"] == "sql"
    by_year = built.ended("model.shop.sales_by_year")["job"]["facets"]["sql"]["query"]
    assert "2025-01-01" in by_year  # of a model in batches the last one's


def test_results_of_tests_are_reported_as_data_quality(built: Built) -> None:
    found = {}
    for event in built.receiver.events:
        for dataset in event.get("inputs", []):
            for assertion in (
                dataset.get("inputFacets", {})
                .get("dataQualityAssertions", {})
                .get("assertions", [])
            ):
                found[assertion["name"]] = (
                    dataset["name"], assertion["assertion"], assertion.get("column"),
                    assertion["severity"], assertion["success"],
                )  # fmt: skip
    table = "shop.main.sales_by_year"
    assert found == {
        "source_not_null_raw_orders_article": (
            "shop.raw.orders", "not_null", "article", "error", True,
        ),
        "unique_sales_article": ("shop.main.sales", "unique", "article", "warn", False),
        "accepted_values_sales_by_year_amount__False__6": (
            table, "accepted_values", "amount", "error", False,
        ),
        "not_null_sales_by_year_amount": (table, "not_null", "amount", "error", True),
        "no_negative_price": ("shop.main.prices", "no_negative_price", None, "error", True),
        "not_null_invoices_article": ("shop.main.invoices", "not_null", "article", "error", False),
    }  # fmt: skip


def test_every_event_and_facet_is_as_the_schema_of_openlineage_has_it(built: Built) -> None:
    required = [event for event in built.receiver.events if event["eventType"] != "OTHER"]
    assert len(required) == 2 * (len(NODES) + 3)
    assert [text for event in built.receiver.events for text in violations(event)] == []


@pytest.mark.parametrize(
    ("place", "value", "complaint"),
    [
        (("run", "runId"), "4711", "'4711' is not a 'uuid'"),
        (("eventTime",), "2026-01-01T10:00:00", "is not a 'date-time'"),
        (("eventType",), "DONE", "'DONE' is not one of"),
        (("job", "facets", "sql", "query"), None, "'query' is a required property"),
        (("run", "facets", "parent", "run", "runId"), None, "'runId' is a required property"),
        (("run", "facets", "dbt_run", "invocation_id"), "1", "'1' is not a 'uuid'"),
        (("outputs", 0, "name"), None, "'name' is a required property"),
        (("outputs", 0, "facets", "schema", "fields", 0, "name"), 7, "7 is not of type 'string'"),
        (("outputs", 0, "facets", "schema", "_schemaURL"), "x:y", "unknown schema x:y"),
    ],
)
def test_the_schema_would_notice(built: Built, place: tuple, value: Any, complaint: str) -> None:
    event = copy.deepcopy(built.ended("model.shop.sales"))
    inner = event
    for name in place[:-1]:
        inner = inner[name]
    if value is None:
        del inner[place[-1]]
    else:
        inner[place[-1]] = value
    (violation,) = violations(event)
    assert complaint in violation


def test_headers_are_sent(built: Built) -> None:
    traces = [headers for headers in built.receiver.headers if "x-tenant" in headers]
    assert {headers["x-tenant"] for headers in traces} == {"shop floor"}


def test_in_dagster_a_built_model_shows_what_it_is_and_how_it_was_made(built: Built) -> None:
    metadata = built.materializations["sales"].metadata
    assert metadata["dagster/row_count"].value == 3
    assert [column.name for column in metadata["dagster/column_schema"].value.columns] == [
        "day", "article", "amount",
    ]  # fmt: skip
    assert set(metadata["dagster/column_lineage"].value.deps_by_column) == {
        "day", "article", "amount",
    }  # fmt: skip
    assert metadata["Compiled SQL"].value.startswith("```sql\nwith orders as (")
    assert metadata["Execution Duration"].value > 0
    assert "price_history" in built.materializations
    (reference,) = (
        shop_models()
        .metadata_by_key[dg.AssetKey("sales")]["dagster/code_references"]
        .code_references
    )
    assert reference.file_path.endswith("models/sales.sql")


def test_in_dagster_failed_and_skipped_models_show_as_such(built: Built) -> None:
    assert set(built.observations) == {"tariffs", "invoices"}
    failed = built.observations["tariffs"]
    assert failed.description
    assert failed.description.startswith("failed: Runtime Error in model tariffs")
    assert failed.metadata["dbt/status"].value == "error"
    assert "error('there is no tariff" in failed.metadata["Compiled SQL"].value
    skipped = built.observations["invoices"]
    assert skipped.description == "skipped: something before it failed: model.shop.tariffs"
    assert skipped.metadata["dbt/status"].value == "skipped"
    assert {"tariffs", "invoices"}.isdisjoint(built.materializations)
    source = built.checks["source_not_null_raw_orders_article"]
    assert (source.asset_key, source.passed) == (dg.AssetKey("raw_orders"), True)
    results = {name: (check.passed, check.severity) for name, check in built.checks.items()}
    assert results["unique_sales_article"] == (False, dg.AssetCheckSeverity.WARN)
    assert results["accepted_values_sales_by_year_amount__False__6"] == (
        False,
        dg.AssetCheckSeverity.ERROR,
    )


def test_the_failure_of_the_step_has_each_failed_node_as_data(built: Built) -> None:
    model, test = built.failed
    assert (model.unique_id, model.name) == ("model.shop.tariffs", "tariffs")
    assert (model.resource_type, model.status) == ("model", "error")
    assert model.path == "models/tariffs.sql"
    assert "there is no tariff" in model.message
    assert model.failing_rows is None
    assert test.name == "accepted_values_sales_by_year_amount__False__6"
    assert (test.resource_type, test.status) == ("test", "fail")
    assert test.path == "models/schema.yml"
    assert (
        test.failing_rows == built.checks[test.name].metadata["dagster_dbt/failed_row_count"].value
    )


def test_at_the_level_of_the_job_the_step_reports_for_its_models(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = definitions(raw_orders, shop_models(per_model=False)).resolve_job_def("shop")
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        job.execute_in_process(instance=dagster, raise_on_error=False)
    assert {span.name for span in receiver.spans} == {"shop", "raw_orders", "shop_models"}
    step = receiver.events_of("shop.shop_models")[-1]
    built = {"prices", "sales", "sales_by_year", "price_history"}
    assert {output["name"] for output in step["outputs"]} == {f"shop.main.{one}" for one in built}
    checked = {read["name"] for read in step["inputs"] if read.get("inputFacets")}
    assert {read["name"] for read in step["inputs"]} == checked
    assert checked == {
        "shop.raw.orders",
        *(f"shop.main.{one}" for one in ("prices", "sales", "sales_by_year")),
    }


def test_no_lock_is_left_on_the_warehouse(built: Built) -> None:
    program = "import duckdb, sys; duckdb.connect(sys.argv[1]).execute('from main.sales')"
    subprocess.run([sys.executable, "-c", program, built.warehouse], check=True)
