"""The location's orchestration.yaml agrees with the simulation's own settings."""

import dagster as dg

from simulation.config.settings import FIRST_YEAR, LAST_YEAR
from simulation.definitions import defs


def test_the_partitions_are_the_years_that_a_scenario_may_have() -> None:
    years = defs.resolve_asset_graph().get(dg.AssetKey("simulation_run")).partitions_def

    assert years.get_partition_keys() == [str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]
