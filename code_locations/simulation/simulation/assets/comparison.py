"""What makes the difference of two stored scenarios, as a page and a workbook."""

import time

import dagster as dg
from pydantic import Field

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import Warehouse

# where the platform's webserver serves the folder of the reports
_ROUTE = "/reports/"


class ComparisonRequest(dg.Config):
    """Which scenarios to compare."""

    base: str = Field(default="baseline", description="What the other is compared with.")
    other: str = Field(description="A stored scenario.")


@dg.asset(deps=["simulated_years"])
def scenario_comparison(
    context: dg.AssetExecutionContext, config: ComparisonRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """Two stored scenarios on common luck: the difference by driver, department and person."""
    from simulation.compare.attribution import DRIVERS, compare
    from simulation.compare.page import lead
    from simulation.compare.stored import paired
    from simulation.compare.writing import write_comparison

    settings = current_settings()
    started = time.perf_counter()
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
            "link": dg.MetadataValue.url(f"{settings.ui_url}{_ROUTE}{page.name}"),
            "workbook": dg.MetadataValue.path(workbook),
            "seconds": round(time.perf_counter() - started, 3),
        }
    )
