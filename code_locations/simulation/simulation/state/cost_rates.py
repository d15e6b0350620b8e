"""Records what total cost and the retirement plan are computed by.

By scenario and not by fingerprint: no row of the ledger depends on it, so that stored years stay,
and cost what the last run of their scenario says.
"""

import duckdb

from shared_lib.warehouse.rows import put_row
from simulation.config.cost_rates import cost_rates, plan_rates
from simulation.config.settings import ScenarioSettings

_KEY = ("scenario_id", "simulation_year")


def record_cost_rates(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    settings: ScenarioSettings,
    *,
    years: range,
) -> None:
    """Record the rates of each of ``years``; a section that is left out has no rows."""
    for table, section in (
        ("raw.cost_rates", settings.cost),
        ("raw.retirement_plans", settings.retirement_plan),
    ):
        if section is None:
            connection.execute(f"delete from {table} where scenario_id = ?", [scenario_id])  # noqa: S608 - our own
    for year in years:
        key = {"scenario_id": scenario_id, "simulation_year": year}
        if settings.cost is not None:
            row = key | cost_rates(settings.cost, year)
            put_row(connection, "raw.cost_rates", row, key=_KEY)
        if settings.retirement_plan is not None:
            seed = settings.simulation.random_seed
            row = key | plan_rates(settings.retirement_plan, year, random_seed=seed)
            put_row(connection, "raw.retirement_plans", row, key=_KEY)
