"""The HTML report of a scenario."""

import dagster as dg

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import Warehouse
from simulation.assets.links import ROUTE, link_to
from simulation.state.runs import current_run


@dg.asset(
    deps=[
        "simulated_years",
        "fct_workforce_snapshot",
        "fct_compensation_growth",
        "fct_termination_experience",
        "fct_level_mix",
        "fct_department_summary",
        "fct_department_level_mix",
        "fct_total_cost",
        "mon_data_quality",
        "mon_pipeline_performance",
    ],
)
def simulation_report(
    context: dg.AssetExecutionContext, warehouse: Warehouse
) -> dg.MaterializeResult:
    """One HTML file, readable offline: the years, the leavers, pay and the configuration."""
    from simulation.report import LATEST, write_index, write_picture, write_report, years_table
    from simulation.report.figures import read_years

    settings = current_settings()
    with warehouse.reading() as connection:
        opened, _ = current_run(connection)
        # once for all three: each reading is a pass over the ledger
        years = read_years(connection, opened.scenario_id)
        path = write_report(
            connection,
            scenario_id=opened.scenario_id,
            years=years,
            path=settings.report_directory
            / f"{opened.scenario_id}-{opened.fingerprint}-{context.run.run_id[:8]}.html",
        )
        picture = path.with_suffix(".svg")
        shown = write_picture(connection, opened.scenario_id, picture, years=years)
        table = years_table(connection, opened.scenario_id, years=years)
    index = write_index(path.parent)
    context.log.info(f"report: {path}")
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.path(path),
            "link": link_to(path),
            "years": dg.MetadataValue.md(f"![{shown}]({ROUTE}{picture.name})\n\n{table}"),
            "latest": dg.MetadataValue.path(path.parent / LATEST),
            "all_reports": dg.MetadataValue.path(index),
            "bytes": path.stat().st_size,
        }
    )
