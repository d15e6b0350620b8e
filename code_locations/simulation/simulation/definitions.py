"""The code location ``simulation``."""

import dagster as dg

from shared_lib.warehouse import Warehouse
from simulation.assets.models import pipeline_timings, simulation_models
from simulation.assets.preparation import PREPARATION
from simulation.assets.report import simulation_report
from simulation.assets.years import run_single_year_simulation
from simulation.checks import CHECKS
from simulation.jobs import JOBS
from simulation.progress import progress_logger

defs = dg.Definitions(
    assets=dg.with_source_code_references(
        [
            *PREPARATION,
            simulation_models,
            pipeline_timings,
            run_single_year_simulation,
            simulation_report,
        ]
    ),
    asset_checks=CHECKS,
    jobs=JOBS,
    resources={
        "warehouse": Warehouse(location="simulation"),
    },
    loggers={"console": dg.colored_console_logger, "progress": progress_logger},
    # Steps are short, and each process would import Dagster and dbt for 4 s.
    executor=dg.in_process_executor,
)
