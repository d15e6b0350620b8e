"""The location's orchestration.yaml agrees with the simulation's own settings."""

import dagster as dg

from shared_lib.dbt.project import load_manifest
from simulation.config.settings import FIRST_YEAR, LAST_YEAR
from simulation.definitions import defs


def test_the_partitions_are_the_years_that_a_scenario_may_have() -> None:
    years = defs.resolve_asset_graph().get(dg.AssetKey("simulation_run")).partitions_def

    assert years.get_partition_keys() == [str(year) for year in range(FIRST_YEAR, LAST_YEAR + 1)]


def test_every_source_of_the_models_is_made_by_an_asset_of_the_location() -> None:
    made = {spec.key for spec in defs.resolve_all_asset_specs()}
    sources = load_manifest()["sources"].values()
    keys = {tuple(source["meta"]["dagster"]["asset_key"]) for source in sources}

    assert keys
    assert keys <= {tuple(key.path) for key in made}
