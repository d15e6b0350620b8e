"""The result of each simulated year, and the record that it is complete."""

from collections.abc import Iterator, Mapping

import dagster as dg

from shared_lib.metadata import board_table, table_metadata
from shared_lib.stopwatch import Stopwatch
from shared_lib.warehouse import Warehouse
from simulation.state.partitions import years_of
from simulation.state.runs import YearRefusedError, requested_scenario
from simulation.state.year_state import (
    headcounts_by_scenario,
    read_states,
    read_summaries,
    record_states,
)
from simulation.year_columns import year_table


@dg.multi_asset(
    name="complete_years",
    specs=[
        dg.AssetSpec(
            "simulation_year_state",
            deps=["int_employee_years"],
            description=(
                "That a year is complete: its active headcount, payroll and a digest of all its "
                "rows. Equal digests mean equal rows."
            ),
        ),
        dg.AssetSpec(
            "simulated_years",
            deps=["fct_year_summary", "simulation_year_state"],
            description="What each simulated year came to, from start to end.",
        ),
    ],
)
def complete_years(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> Iterator[dg.MaterializeResult]:
    """Complete the years of the run: record their states, then read their results."""
    stopwatch = Stopwatch()
    years = years_of(context)
    with warehouse.writing() as connection:
        scenario_id, settings, _ = requested_scenario(connection)
        record_states(connection, years=years)
        states = read_states(connection, scenario_id=scenario_id, years=years)
        summaries = read_summaries(connection, scenario_id=scenario_id, years=years)
        scenarios = headcounts_by_scenario(connection)
        tables = table_metadata(
            connection,
            [("raw", "simulation_year_state"), ("marts", "fct_year_summary")],
            counted={"scenario_id": scenario_id},
        )
    missing = sorted(set(years) - {state.simulation_year for state in states})
    if missing:
        message = f"scenario {scenario_id} has no rows for {missing}: its models were not built"
        raise YearRefusedError(message)
    # both are made of one reading
    spent = {
        "seconds": round(stopwatch.seconds, 3),
        "cpu_seconds": round(stopwatch.cpu_seconds / 2, 3),
    }
    yield dg.MaterializeResult(
        asset_key="simulation_year_state",
        metadata={
            **tables["raw", "simulation_year_state"],
            **spent,
            "digests": dg.MetadataValue.json(
                {str(state.simulation_year): state.digest for state in states}
            ),
        },
    )
    yield dg.MaterializeResult(
        asset_key="simulated_years",
        metadata={
            **tables["marts", "fct_year_summary"],
            **spent,
            **scenarios_for_the_board(scenarios),
            "years": dg.MetadataValue.md(year_table(summaries, settings.simulation.names)),
        },
    )


def scenarios_for_the_board(
    headcounts: Mapping[str, Mapping[int, int]],
) -> dict[str, dg.TableMetadataValue]:
    """Return the headcount of each stored year of each scenario."""
    years = sorted({year for by_year in headcounts.values() for year in by_year})
    return board_table(
        "Headcount by scenario and year",
        ["scenario", *map(str, years)],
        [
            [scenario, *(by_year.get(year) for year in years)]
            for scenario, by_year in headcounts.items()
        ],
    )
