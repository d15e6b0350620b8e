"""The dbt models of the simulation: one dbt invocation builds them for a range of years."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import dagster as dg

from shared_lib.dbt_step.build import DbtBuild
from shared_lib.metadata import relation_metadata
from shared_lib.stopwatch import Stopwatch
from shared_lib.warehouse import Warehouse
from simulation.state.runs import OpenedRun, YearRefusedError, current_run, requested_scenario
from simulation.state.timings import record_timings

if TYPE_CHECKING:
    from simulation.state.lake_copy import LakeCopy

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
    with _place(warehouse, opened) as place:
        build = DbtBuild.of_step(
            context,
            warehouse,
            arguments=_year_arguments(opened),
            counted={"scenario_id": opened.scenario_id},
            place=place,
        )
        yield from build.events()
        with (
            warehouse.writing() as connection,
            place.reading() if place and place.exists() else nullcontext(connection) as built,
        ):
            record_timings(
                connection,
                built=built,
                run_id=context.run.run_id,
                opened=opened,
                timings=build.timings,
                limits=settings.limits,
                seconds=stopwatch.seconds,
            )
            metadata = relation_metadata(connection, *_TIMINGS)
    if build.failure is not None:
        raise build.failure
    # the models have their own
    cpu = stopwatch.cpu_seconds - build.cpu_seconds
    metadata |= {"seconds": round(stopwatch.seconds, 3), "cpu_seconds": round(cpu, 3)}
    context.log_event(dg.AssetMaterialization("pipeline_timings", metadata=metadata))


def _place(warehouse: Warehouse, opened: OpenedRun) -> "AbstractContextManager[LakeCopy | None]":
    """Return where dbt builds: in memory beside the lake; None: in the warehouse file."""
    if not warehouse.is_lake:
        return nullcontext()
    from simulation.state.lake_copy import lake_copy

    if warehouse.claim is None:
        message = (
            "the run does not say which scenario it is about, so it may not write the lake: "
            "launch it with a partition, for example baseline|2025"
        )
        raise YearRefusedError(message)
    return lake_copy(warehouse.claim, opened)


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
