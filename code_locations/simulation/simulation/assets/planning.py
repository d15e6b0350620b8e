"""What is made from stored scenarios on request: comparisons, workbooks, settings, ranges, cost."""

import dagster as dg
from pydantic import Field

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import Warehouse
from simulation.assets.links import link_to


class ComparisonRequest(dg.Config):
    """Which scenarios to compare."""

    base: str = Field(default="baseline", description="What the other is compared with.")
    other: str = Field(description="A stored scenario.")


class WorkbookRequest(dg.Config):
    """Which scenario to write."""

    scenario: str = Field(default="baseline", description="A stored scenario.")
    has_people: bool = Field(default=False, description="Whether to list every employee.")


class SeekRequest(dg.Config):
    """What to solve for."""

    target: str = Field(description="What is sought, such as `payroll 2027 <= 1.2e9`.")
    lever: str = Field(description="What is moved, such as `merit_budget=0.01..0.06 cola_rate`.")
    scenario: str = Field(default="baseline", description="The stored scenario to start from.")


class RangesRequest(dg.Config):
    """Which scenarios to simulate, and how often."""

    scenarios: list[str] = Field(
        default=["baseline"], min_length=1, description="The first is stored; each has its ranges."
    )
    seeds: int = Field(default=100, description="Runs of each scenario.")
    is_growth_outcome: bool = Field(
        default=False,
        description="Whether growth is the outcome of hires and leaving rather than a target.",
    )


class CostRequest(dg.Config):
    """Which scenario to cost."""

    scenario: str = Field(default="baseline", description="A stored scenario.")


@dg.asset(deps=["simulated_years"])
def scenario_comparison(
    context: dg.AssetExecutionContext, config: ComparisonRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """Two stored scenarios on common luck: the difference by driver, department and person."""
    from simulation.compare.attribution import compare
    from simulation.compare.page import lead
    from simulation.compare.pair import paired
    from simulation.compare.parts import DRIVERS
    from simulation.compare.writing import write_comparison

    settings = current_settings()
    with warehouse.reading() as connection:
        comparison = compare(connection, paired(connection, config.base, config.other))
    page, workbook = write_comparison(comparison, settings.report_directory)
    for sentence in comparison.pair.warnings:
        context.log.warning(sentence)
    context.log.info(lead(comparison))
    last = comparison.years[-1]
    return dg.MaterializeResult(
        metadata={
            "base": config.base,
            "other": config.other,
            "outcome": lead(comparison),
            "headcount": last.headcount,
            "payroll": float(last.payroll),
            **{f"payroll_{driver}": float(last.pay[driver]) for driver in DRIVERS},
            "page": dg.MetadataValue.path(page),
            "link": link_to(page),
            "workbook": dg.MetadataValue.path(workbook),
        }
    )


@dg.asset(deps=["simulated_years"])
def scenario_workbook(
    context: dg.AssetExecutionContext, config: WorkbookRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """A stored scenario as an Excel workbook: years, departments, events and assumptions."""
    from simulation.workbook.writing import write_stored

    with warehouse.reading() as connection:
        path = write_stored(connection, config.scenario, has_people=config.has_people)
    context.log.info(f"workbook: {path}")
    return dg.MaterializeResult(
        metadata={
            "scenario": config.scenario,
            "workbook": dg.MetadataValue.path(path),
            "bytes": path.stat().st_size,
        }
    )


@dg.asset(deps=["simulated_years"])
def solved_setting(context: dg.AssetExecutionContext, config: SeekRequest) -> dg.MaterializeResult:
    """The value of a setting that meets a target, found by runs in scratch warehouses."""
    from simulation.seek.solving import solve

    # without the resource, whose lease would keep other runs waiting for minutes
    solution = solve(
        config.scenario,
        target_text=config.target,
        lever_text=config.lever,
        on_progress=context.log.info,
    )
    if not solution.outcome.is_met:
        raise dg.Failure(str(solution), allow_retries=False)
    return dg.MaterializeResult(
        metadata={
            "scenario": config.scenario,
            "target": str(solution.target),
            "outcome": str(solution),
            "measure": solution.outcome.measure,
            "runs": len(solution.outcome.tries),
            **{lever.name: value for lever, value in solution.outcome.values},
        }
    )


@dg.asset(deps=["simulated_years"])
def scenario_ranges(
    context: dg.AssetExecutionContext, config: RangesRequest
) -> dg.MaterializeResult:
    """P10, P50 and P90 of scenarios over many seeds, with settings drawn as far as uncertain."""
    from simulation.ranges.ensemble import compute_ranges
    from simulation.ranges.page import lead, write_ranges

    settings = current_settings()
    # without the resource, whose lease would keep other runs waiting for minutes
    ranges = compute_ranges(
        config.scenarios,
        seeds=config.seeds,
        growth="outcome" if config.is_growth_outcome else "target",
        on_progress=context.log.info,
    )
    page = write_ranges(ranges, settings.report_directory)
    last = ranges[0].years[-1]
    headcount, payroll = (ranges[0].band(last, measure) for measure in ("headcount", "payroll"))
    return dg.MaterializeResult(
        metadata={
            "scenarios": ", ".join(each.scenario_id for each in ranges),
            "runs": len(ranges) * config.seeds,
            "outcome": " ".join(lead(each) for each in ranges),
            "headcount_p10": headcount.p10,
            "headcount_p90": headcount.p90,
            "payroll_p10": payroll.p10,
            "payroll_p90": payroll.p90,
            "page": dg.MetadataValue.path(page),
            "link": link_to(page),
        }
    )


@dg.asset(deps=["simulated_years"])
def scenario_cost(
    context: dg.AssetExecutionContext, config: CostRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """What a stored scenario costs by the rates of today's file; no year is simulated again."""
    from simulation.cost.writing import write_cost

    settings = current_settings()
    with warehouse.writing() as connection:
        written = write_cost(connection, config.scenario, settings.report_directory)
    if not written.costs:
        context.log.warning(f"{config.scenario} has no section `cost`")
    return dg.MaterializeResult(
        metadata={
            "scenario": config.scenario,
            **{f"total_cost_{cost.year}": float(cost.total_cost) for cost in written.costs},
            "report": dg.MetadataValue.path(written.report),
            "link": link_to(written.report),
        }
    )
