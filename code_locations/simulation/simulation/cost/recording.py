"""Takes today's sections ``cost`` and ``retirement_plan`` over into a stored scenario."""

import duckdb

from shared_lib.warehouse import transaction
from simulation.config import load_scenario
from simulation.report.cost.figures import has_marts
from simulation.state.cost_rates import record_cost_rates
from simulation.state.tables import create_tables
from simulation.stored.scenarios import (
    NotStoredError,
    StoredScenario,
    command_for,
    find_stored,
    read_stored,
)


def take_over_rates(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> StoredScenario:
    """Let the stored years of a scenario cost what the configuration file says.

    No row of the ledger is read or written. All other settings stay as they were stored.

    Raises:
        NotStoredError: the scenario is not stored, or by a release that computed no cost.
        ConfigurationError: the configuration file is not valid or does not have the scenario.
    """
    stored = find_stored(read_stored(connection), scenario_id)
    if not has_marts(connection):
        message = (
            f"{scenario_id} was computed by a release without total cost: compute it with "
            f"{command_for(scenario_id, like=stored)}"
        )
        raise NotStoredError(message)
    configured = load_scenario(scenario_id)
    settings = stored.as_settings().model_copy(
        update={"cost": configured.cost, "retirement_plan": configured.retirement_plan}
    )
    create_tables(connection)
    with transaction(connection):
        record_cost_rates(connection, scenario_id, settings, years=stored.years)
        connection.execute(
            "update raw.simulation_configurations set configuration = ? where fingerprint = ?",
            [settings.model_dump_json(), stored.fingerprint],
        )
    return stored
