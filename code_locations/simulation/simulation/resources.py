"""The resources that the location's steps and runs request by name."""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from shared_lib.warehouse import Warehouse
from simulation.run.progress import progress_logger
from simulation.state.partitions import scenarios_of


class ScenarioWarehouse(Warehouse):
    """The simulation's tables; a run writes one scenario of them."""

    def part_of(self, run: dg.DagsterRun) -> str | None:
        """Return the scenario of a run that has partitions or names one; else None."""
        scenarios = scenarios_of(run.tags) or {_requested(run.run_config)}
        return scenarios.pop() if len(scenarios) == 1 else None


# the steps whose configuration names the scenario that the run writes
_REQUESTING = ("simulation_config", "scenario_cost")


def _requested(run_config: Mapping[str, Any]) -> str | None:
    steps = run_config.get("ops", {})
    requests = [steps.get(name, {}).get("config") or {} for name in _REQUESTING]
    return next((name for each in requests if (name := each.get("scenario"))), None)


RESOURCES = {"warehouse": ScenarioWarehouse(location="simulation")}
LOGGERS = {"console": dg.colored_console_logger, "progress": progress_logger}
