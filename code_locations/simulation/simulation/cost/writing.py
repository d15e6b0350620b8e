"""Costs of a stored scenario by today's rates, with the report that shows them."""

from dataclasses import dataclass
from pathlib import Path

import duckdb

from simulation.cost.recording import take_over_rates
from simulation.report import write_index, write_report
from simulation.report.cost.figures import Cost, read_costs
from simulation.stored.scenarios import StoredScenario


@dataclass(frozen=True)
class WrittenCost:
    """A stored scenario, what it costs in each year, and its report."""

    stored: StoredScenario
    costs: list[Cost]
    report: Path


def write_cost(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, folder: Path
) -> WrittenCost:
    """Take today's rates over into a stored scenario, and write its report.

    Raises:
        NotStoredError: the scenario is not stored, or by a release that computed no cost.
        ConfigurationError: the configuration file is not valid or does not have the scenario.
    """
    stored = take_over_rates(connection, scenario_id)
    path = folder / f"{scenario_id}-{stored.fingerprint}-cost.html"
    write_report(connection, scenario_id=scenario_id, path=path)
    write_index(folder)
    return WrittenCost(stored, read_costs(connection, scenario_id), path)
