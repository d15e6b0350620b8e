"""The dbt models of the simulation: one dbt invocation builds them for a range of years."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from shared_lib.dbt_step.build import DbtBuild
from shared_lib.metadata import relation_metadata
from shared_lib.stopwatch import Stopwatch
from shared_lib.warehouse import Warehouse
from simulation.state.runs import OpenedRun, YearRefusedError, current_run, requested_scenario
from simulation.state.timings import record_timings

LEDGER = dg.AssetKey("int_employee_years")
_TIMINGS = ("raw", "pipeline_timings")

pipeline_timings = dg.AssetSpec(
    "pipeline_timings",
    description=(
        "Durations and row counts that dbt and Dagster recorded. Every run adds its own rows when "
        "its models are built, so it is not made by an asset of its own."
    ),
)


def build_years(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
    """Build the selected models, the ledger year after year."""
    stopwatch = Stopwatch()
    with warehouse.reading() as connection:
        opened, owner_run_id = current_run(connection)
        _, settings, _ = requested_scenario(connection)
    if LEDGER in context.selected_asset_keys:
        _refuse_other_run(context, owner_run_id)
    build = DbtBuild.of_step(
        context,
        warehouse,
        arguments=_year_arguments(opened),
        counted={"scenario_id": opened.scenario_id},
    )
    yield from build.events()
    with warehouse.writing() as connection:
        record_timings(
            connection,
            run_id=context.run.run_id,
            opened=opened,
            timings=build.timings,
            limits=settings.limits,
            seconds=stopwatch.seconds,
        )
        metadata = relation_metadata(connection, *_TIMINGS)
    if build.failure is not None:
        raise build.failure
    metadata |= stopwatch.metadata
    context.log_event(dg.AssetMaterialization("pipeline_timings", metadata=metadata))


def _year_arguments(opened: OpenedRun) -> list[str]:
    return [
        "--event-time-start",
        f"{opened.first_year}-01-01",
        "--event-time-end",
        f"{opened.last_year + 1}-01-01",
    ]


def _refuse_other_run(context: dg.AssetExecutionContext, owner_run_id: str) -> None:
    """Refuse a run without simulation_run, which supplies the years of the ledger."""
    if owner_run_id not in {context.run.run_id, context.run.root_run_id}:
        message = (
            "int_employee_years was selected without simulation_run, which says the scenario "
            "and the years: launch single_year_simulation or multi_year_simulation instead"
        )
        raise YearRefusedError(message)
