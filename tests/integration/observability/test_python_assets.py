"""Reports of runs of Python assets: in one process and in one for each step."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.observability.conftest import HANDLER, MakeInstance
from tests.integration.observability.openlineage_schema import violations
from tests.integration.observability.shop import definitions, python_job, raw_orders

from sandboxes.telemetry import Receiver, receiving
from shared_lib.warehouse import Warehouse

ERROR = 2


def reported_by(
    executor: dg.ExecutorDefinition, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Receiver]:
    """Run the Python assets; returns the run's id and what was received."""
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        if executor is dg.in_process_executor:
            result = python_job().execute_in_process(instance=dagster, raise_on_error=False)
            return result.run_id, receiver
        with dg.execute_job(dg.reconstructable(python_job), instance=dagster) as finished:
            return finished.run_id, receiver


@pytest.mark.parametrize("executor", [dg.in_process_executor, dg.multiprocess_executor])
def test_the_process_that_runs_a_step_reports_it_and_its_attempts(
    executor: dg.ExecutorDefinition,
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run_id, receiver = reported_by(executor, instance, monkeypatch)
    run = receiver.span("shop")
    assert {span.trace_id for span in receiver.spans} == {run_id.replace("-", "")}
    assert run.status == ERROR
    steps = sorted(
        (span for span in receiver.spans if span is not run), key=lambda span: span.start
    )
    assert {span.parent_id for span in steps} == {run.span_id}
    assert all(run.start < span.start < span.end < run.end for span in steps)
    late, packed = [span for span in steps if span.name == "loading_list"]
    assert (late.attributes["dagster.attempt"], late.message) == (
        0,
        "TimeoutError: the lorry is late",
    )
    assert (packed.attributes["dagster.attempt"], packed.status) == (1, 0)
    assert late.span_id != packed.span_id
    assert receiver.span("newsletter").message.endswith("the printer is out of paper")
    assert [event["eventType"] for event in receiver.events_of("shop")] == ["START", "FAIL"]
    assert [event["eventType"] for event in receiver.events_of("shop.loading_list")] == [
        "START", "FAIL", "START", "COMPLETE",
    ]  # fmt: skip


def test_a_distant_collector_gets_everything_if_a_run_may_wait_for_it(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = definitions(raw_orders).resolve_job_def("shop")
    with receiving(delay=1.2) as receiver, instance() as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        job.execute_in_process(instance=dagster)
    assert {span.name for span in receiver.spans} == {"shop", "raw_orders"}
    assert [event["eventType"] for event in receiver.events_of("shop")] == ["START", "COMPLETE"]


def test_assets_are_reported_with_their_upstream_assets(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, receiver = reported_by(dg.in_process_executor, instance, monkeypatch)
    database = f"duckdb://{shop / 'data' / 'shop.duckdb'}"
    (raw,) = receiver.events_of("shop.raw_orders")[-1]["outputs"]
    assert (raw["namespace"], raw["name"]) == (database, "shop.raw.orders")
    assert [column["name"] for column in raw["facets"]["schema"]["fields"]] == [
        "day", "article", "pieces",
    ]  # fmt: skip
    packed = receiver.events_of("shop.loading_list")[-1]
    # it has no table, so that it goes by its key; what it reads has one
    assert [(one["namespace"], one["name"]) for one in packed["outputs"]] == [
        ("dagster", "loading_list")
    ]
    assert [(one["namespace"], one["name"]) for one in packed["inputs"]] == [
        (database, "shop.raw.orders")
    ]
    failed = receiver.events_of("shop.newsletter")[-1]
    assert "out of paper" in failed["run"]["facets"]["errorMessage"]["message"]
    assert failed["run"]["facets"]["errorMessage"]["programmingLanguage"] == "python"
    assert [text for event in receiver.events for text in violations(event)] == []


def test_a_step_of_several_assets_reads_what_comes_from_outside_it(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    years = dg.StaticPartitionsDefinition(["2024", "2025"])

    @dg.multi_asset(
        specs=[
            dg.AssetSpec("draft", deps=["notes"], partitions_def=years),
            dg.AssetSpec("letter", deps=["draft"], partitions_def=years),
        ],
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def writing() -> Iterator[dg.MaterializeResult]:
        for key in ("draft", "letter"):
            yield dg.MaterializeResult(asset_key=key)

    job = definitions(writing).resolve_job_def("shop")
    tags = {
        "dagster/asset_partition_range_start": "2024",
        "dagster/asset_partition_range_end": "2025",
    }
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        result = job.execute_in_process(instance=dagster, tags=tags)
    assert len(result.get_asset_materialization_events()) == 4
    last = receiver.events_of("shop.writing")[-1]
    assert [one["name"] for one in last["inputs"]] == ["notes"]
    assert sorted(one["name"] for one in last["outputs"]) == ["draft", "letter"]


def test_an_op_may_record_a_materialisation_too(
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    @dg.op
    def weigh(context: dg.OpExecutionContext) -> None:
        context.log_event(dg.AssetMaterialization("scales"))

    @dg.job
    def weighing() -> None:
        weigh()

    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        assert weighing.execute_in_process(instance=dagster).success
    assert "Logging error" not in capsys.readouterr().err
    last = receiver.events_of("weighing.weigh")[-1]
    assert [output["name"] for output in last["outputs"]] == ["scales"]


def test_log_lines_carry_the_ids_of_run_step_and_trace(
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    logs: dict[str, Any] = {
        "handlers": {
            "observability": HANDLER,
            "lines": {"class": "logging.StreamHandler", "formatter": "json", "level": "DEBUG"},
        },
        "formatters": {"json": {"()": "shared_lib.observability.log_lines.json_lines"}},
    }
    with receiving() as receiver, instance(**logs) as dagster:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        result = python_job().execute_in_process(instance=dagster, raise_on_error=False)
    lines = [
        json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")
    ]
    first, second = [line for line in lines if line["event"] == "packing"]
    late, packed = [span for span in receiver.spans if span.name == "loading_list"]
    assert {key: first[key] for key in ("run_id", "job_name", "step_key", "trace_id", "level")} == {
        "run_id": result.run_id,
        "job_name": "shop",
        "step_key": "loading_list",
        "trace_id": late.trace_id,
        "level": "info",
    }
    assert (first["span_id"], second["span_id"]) == (late.span_id, packed.span_id)
    (begun,) = [line for line in lines if line["event"].startswith("Started execution of run")]
    assert begun["span_id"] == receiver.span("shop").span_id


@pytest.mark.parametrize(("environment", "written"), [("local", 0), ("production", 1)])
def test_where_machines_read_the_log_the_handler_writes_it_as_lines_of_json(
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    environment: str,
    written: int,
) -> None:
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", environment)
    with instance() as dagster:
        result = (
            definitions(raw_orders).resolve_job_def("shop").execute_in_process(instance=dagster)
        )
    lines = [
        json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")
    ]
    steps = {(line["run_id"], line["trace_id"]) for line in lines if line.get("step_key")}
    assert sorted(steps) == [(result.run_id, result.run_id.replace("-", ""))] * written


def test_a_handler_that_goes_wrong_harms_no_run(
    shop: Path,
    instance: MakeInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("OPENLINEAGE__TRANSPORT__TYPE", "console")
    monkeypatch.setattr("shared_lib.observability.lineage.asset_datasets.Relations.written", None)
    monkeypatch.setattr(logging, "raiseExceptions", True)
    job = definitions(raw_orders).resolve_job_def("shop")
    with instance() as dagster:
        assert job.execute_in_process(instance=dagster).success
    assert "TypeError: 'NoneType' object is not callable" in capsys.readouterr().err


def test_asset_checks_are_assertions_of_the_dataset_that_they_read(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    @dg.asset(check_specs=[dg.AssetCheckSpec("signed", asset="letter")])
    def letter() -> dg.MaterializeResult:
        return dg.MaterializeResult(check_results=[dg.AssetCheckResult(passed=True)])

    @dg.asset_check(asset=raw_orders, description="Nothing is given away.")
    def none_is_free(warehouse: Warehouse) -> dg.AssetCheckResult:
        return dg.AssetCheckResult(
            passed=False, severity=dg.AssetCheckSeverity.WARN, description="2 are free"
        )

    location = dg.Definitions.merge(
        definitions(raw_orders, letter), dg.Definitions(asset_checks=[none_is_free])
    )
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        job = location.resolve_job_def("shop")
        assert job.execute_in_process(instance=dagster).success

    def assertions(step: str) -> dict[str, dict[str, Any]]:
        (read,) = receiver.events_of(f"shop.{step}")[-1]["inputs"]
        (found,) = read["inputFacets"]["dataQualityAssertions"]["assertions"]
        return {read["name"]: found}

    checked = assertions("raw_orders_none_is_free")["shop.raw.orders"]
    assert (checked["assertion"], checked["success"], checked["severity"]) == (
        "none_is_free", False, "warn",
    )  # fmt: skip
    assert checked["description"] == "2 are free"
    assert assertions("letter")["letter"]["success"] is True
    assert [text for event in receiver.events for text in violations(event)] == []
