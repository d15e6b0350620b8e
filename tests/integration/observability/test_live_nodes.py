"""The nodes of a dbt build are reported while it runs, not when it has ended."""

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.observability.conftest import MakeInstance
from tests.integration.observability.openlineage_schema import violations
from tests.integration.observability.shop import YEARS, definitions, project_directory, raw_orders

from sandboxes.telemetry import Receiver, receiving
from sandboxes.waiting import wait_until
from shared_lib.dbt.invocation import DbtFailedError, invoke_dbt
from shared_lib.dbt.invocation_record import DbtInvocation
from shared_lib.dbt_step.observed import ObservedBuild
from shared_lib.warehouse import Warehouse

SALES, TARIFFS, INVOICES = "model.shop.sales", "model.shop.tariffs", "model.shop.invoices"
BY_YEAR = "model.shop.sales_by_year"


def kinds(receiver: Receiver, job: str) -> list[str]:
    return [event["eventType"] for event in receiver.events_of(job)]


def wait_for_ends(receiver: Receiver, *jobs: str) -> None:
    wait_until(
        lambda: all(len(kinds(receiver, job)) >= 2 for job in jobs), seconds=60, pause_seconds=0.05
    )


def test_a_node_begins_and_ends_at_the_receiver_before_dbt_has_ended(
    shop: Path, instance: MakeInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    during: dict[str, list[str]] = {}

    @dg.asset(deps=[raw_orders])
    def building(context: dg.AssetExecutionContext, warehouse: Warehouse) -> None:
        observed = ObservedBuild.of_step(context)
        assert observed is not None
        target = project_directory() / "target" / "live"
        manifest = json.loads((project_directory() / "target" / "manifest.json").read_bytes())
        invocation = DbtInvocation(
            project_directory=project_directory(),
            target_directory=target,
            warehouse=warehouse.path,
            manifest=manifest,
            target="duckdb",
        )
        events = []

        def record(event: Any) -> None:
            events.append(event)
            observed.note(event)
            node = event["data"].get("node_info", {}).get("unique_id")
            if (event["info"]["name"], node) == ("NodeFinished", BY_YEAR) and not during:
                # dbt is at work here: batches, or tests of this model, are to come
                wait_for_ends(receiver, SALES, TARIFFS, INVOICES)
                during.update({one: kinds(receiver, one) for one in (SALES, TARIFFS, INVOICES)})

        observed.begin(invocation)
        with pytest.raises(DbtFailedError):
            invoke_dbt(
                ["build", *YEARS],
                warehouse=warehouse.path,
                target=target,
                on_event=record,
                project_directory=project_directory(),
                debug_events=observed.debug_events,
            )
        observed.send(events, invocation, warehouse)
        observed.finish()

    job = definitions(raw_orders, building).resolve_job_def("shop")
    with receiving() as receiver, instance() as dagster:
        monkeypatch.setenv("OPENLINEAGE_URL", receiver.url)
        assert job.execute_in_process(instance=dagster).success

    assert during == {
        SALES: ["START", "COMPLETE"],
        TARIFFS: ["START", "FAIL"],
        INVOICES: ["START", "ABORT"],
    }
    # what only the finished warehouse shows follows, and nothing is reported twice
    assert kinds(receiver, SALES) == ["START", "COMPLETE", "OTHER"]
    assert kinds(receiver, BY_YEAR) == ["START", "COMPLETE", "OTHER"]
    assert kinds(receiver, INVOICES) == ["START", "ABORT"]
    first, last, later = receiver.events_of(SALES)
    assert {event["run"]["runId"] for event in (first, last, later)} == {first["run"]["runId"]}
    (output,) = later["outputs"]
    assert [column["name"] for column in output["facets"]["schema"]["fields"]]
    assert [text for event in receiver.events for text in violations(event)] == []
