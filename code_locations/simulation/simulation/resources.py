"""The resources that the location's steps and runs request by name."""

import dagster as dg

from shared_lib.warehouse import Warehouse
from simulation.run.progress import progress_logger

RESOURCES = {"warehouse": Warehouse(location="simulation")}
LOGGERS = {"console": dg.colored_console_logger, "progress": progress_logger}
