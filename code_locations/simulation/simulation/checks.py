"""Asset checks on finished years."""

import dagster as dg

from shared_lib.warehouse import Warehouse
from simulation.state.partition_status import shown_years
from simulation.state.runs import current_run, requested_scenario
from simulation.state.stored_years import stored_years
from simulation.state.year_state import YearState, YearSummary, read_states, read_summaries

# The pool of the steps that orchestration.yaml names: only one at a time may use the file.
WAREHOUSE_POOL = "simulation_warehouse"


@dg.asset_check(asset="simulated_years", blocking=True, pool=WAREHOUSE_POOL)
def validate_growth_rates(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Each year of the scenario, up to the run's last, met its growth target.

    The configured tolerance and the rounding to whole employees are allowed for.
    """
    with warehouse.reading() as connection:
        opened, _ = current_run(connection)
        summaries = read_summaries(
            connection, scenario_id=opened.scenario_id, years=opened.years_so_far
        )
    return growth_result(summaries)


def growth_result(summaries: list[YearSummary]) -> dg.AssetCheckResult:
    """Return a pass if every year meets its growth, else the years that miss it and their rates."""
    missed = [year for year in summaries if not year.meets_growth]
    description = "; ".join(
        f"{year.simulation_year} grew by {year.growth_rate:.4%}, target is "
        f"{year.target_growth_rate:.4%} +- {year.growth_allowance:.4%}"
        for year in (missed or summaries)
    )
    return dg.AssetCheckResult(
        passed=bool(summaries) and not missed,
        description=description or "no year of the scenario has been simulated",
        metadata={
            f"growth {year.simulation_year}": dg.MetadataValue.json(
                {
                    "rate": year.growth_rate,
                    "target": year.target_growth_rate,
                    "threshold": year.growth_allowance,
                }
            )
            for year in summaries
        },
    )


@dg.asset_check(asset="simulation_year_state", blocking=True, pool=WAREHOUSE_POOL)
def assert_year_complete(warehouse: Warehouse) -> dg.AssetCheckResult:
    """Every year of the scenario, up to the run's last, is present and adds up."""
    with warehouse.reading() as connection:
        opened, _ = current_run(connection)
        years = opened.years_so_far
        summaries = read_summaries(connection, scenario_id=opened.scenario_id, years=years)
        states = read_states(connection, scenario_id=opened.scenario_id, years=years)
    return completeness_result(years, summaries, states)


def completeness_result(
    years: range, summaries: list[YearSummary], states: list[YearState]
) -> dg.AssetCheckResult:
    """Return a pass if each of ``years`` has a state and a summary that agree and add up."""
    headcounts = {state.simulation_year: state.active_headcount for state in states}
    by_year = {summary.simulation_year: summary for summary in summaries}
    problems = []
    for year in years:
        summary = by_year.get(year)
        if summary is None or year not in headcounts:
            problems.append(f"{year} is missing")
        elif summary.unaccounted:
            problems.append(f"{year} is off by {summary.unaccounted} employees")
        elif summary.end_headcount != headcounts[year]:
            problems.append(
                f"{year} ends with {summary.end_headcount}, its state has {headcounts[year]}"
            )
        elif year - 1 in headcounts and summary.start_headcount != headcounts[year - 1]:
            problems.append(
                f"{year} starts with {summary.start_headcount}, "
                f"{year - 1} ended with {headcounts[year - 1]}"
            )
    return dg.AssetCheckResult(
        passed=not problems,
        description="; ".join(problems) or f"{years[0]} to {years[-1]} are complete",
    )


@dg.asset_check(asset="simulation_year_state", pool=WAREHOUSE_POOL)
def years_in_warehouse(
    context: dg.AssetCheckExecutionContext, warehouse: Warehouse
) -> dg.AssetCheckResult:
    """The years that Dagster shows as materialized are those that the warehouse has."""
    with warehouse.reading() as connection:
        stored = stored_years(connection)
    shown = shown_years(context.instance, dg.AssetKey("simulation_year_state"))
    return presence_result(stored=stored, shown=shown)


def presence_result(
    *, stored: set[tuple[str, int]], shown: set[tuple[str, int]]
) -> dg.AssetCheckResult:
    """Return a pass if every stored scenario and year is shown, and no other.

    A year that is shown and not stored is an error; one that is stored and not shown, as in a new
    Dagster home, a warning.
    """
    problems = [
        f"{scenario} {year} is shown as materialized and is not in the warehouse"
        for scenario, year in sorted(shown - stored)
    ]
    problems += [
        f"{scenario} {year} is in the warehouse and is not shown as materialized"
        for scenario, year in sorted(stored - shown)
    ]
    return dg.AssetCheckResult(
        passed=not problems,
        severity=dg.AssetCheckSeverity.ERROR if shown - stored else dg.AssetCheckSeverity.WARN,
        description="; ".join(problems) or f"{len(stored)} years of the scenarios agree",
    )


# Checks the model that shows the timings: no step makes pipeline_timings, so no job would select
# a check of it.
@dg.asset_check(asset="mon_pipeline_performance", pool=WAREHOUSE_POOL)
def pipeline_sla_check(warehouse: Warehouse) -> dg.AssetCheckResult:
    """The last build of the models met the service level for time and row rate."""
    with warehouse.reading() as connection:
        _, settings, _ = requested_scenario(connection)
        row = connection.execute(
            "select seconds, row_count from raw.pipeline_timings "
            "where scope = 'run' order by recorded_at desc limit 1"
        ).fetchone()
    if row is None:
        return dg.AssetCheckResult(
            passed=False,
            severity=dg.AssetCheckSeverity.WARN,
            description="no run has been recorded yet",
        )
    seconds, rows = row
    limits = settings.limits
    return service_level_result(
        seconds=seconds,
        rows=rows,
        seconds_limit=limits.run_seconds,
        rate_limit=limits.minimum_rows_per_second,
    )


def service_level_result(
    *, seconds: float, rows: int, seconds_limit: float, rate_limit: float
) -> dg.AssetCheckResult:
    """Return a pass if a build was fast enough, by the clock or by its row rate.

    A small run is measured by the clock only: dbt's start alone makes its row rate low. A run
    that takes longer is still OK if it computes its rows at the agreed rate.
    """
    rate = rows / seconds
    return dg.AssetCheckResult(
        passed=seconds <= seconds_limit or rate >= rate_limit,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"{rows:,} employee-years in {seconds:.1f} s, {rate:,.0f} a second; the service "
            f"level is {seconds_limit:g} s, or at least {rate_limit:,.0f} a second"
        ),
        metadata={
            "seconds": seconds,
            "seconds_limit": seconds_limit,
            "rows_per_second": rate,
            "rows_per_second_limit": rate_limit,
        },
    )
