"""The location's partitions are what the simulation's own configuration has."""

import dagster as dg
import pytest

from shared_lib.configuration.validated_yaml import ConfigurationError
from simulation.checks import presence_result
from simulation.config import load_scenario, load_settings
from simulation.config.partitions import refuse_years_outside
from simulation.definitions import defs


def test_the_partitions_are_the_configured_scenarios_by_the_configured_years() -> None:
    partitions = defs.resolve_asset_graph().get(dg.AssetKey("simulation_run")).partitions_def
    assert partitions is not None
    configured = {
        f"{name}|{year}"
        for name in load_settings().scenarios
        for horizon in [load_scenario(name).simulation]
        for year in range(horizon.start_year, horizon.end_year + 1)
    }

    assert set(partitions.get_partition_keys()) == configured


def test_no_asset_has_the_name_of_a_job() -> None:
    repository = defs.get_repository_def()
    assets = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert not assets & set(repository.job_names)


def test_years_without_a_partition_are_refused_with_those_that_have_one() -> None:
    refuse_years_outside("baseline", range(2026, 2028))
    with pytest.raises(
        ConfigurationError, match="2030, 2031: no configured year, allowed are 2025"
    ):
        refuse_years_outside("baseline", range(2029, 2032))


@pytest.mark.parametrize(
    ("stored", "shown", "severity", "text"),
    [
        ({2025, 2026}, {2025, 2026}, None, "2 years of the scenarios agree"),
        ({2025}, {2025, 2026}, "ERROR", "s 2026 is shown as materialized and is not in"),
        ({2025, 2026}, {2025}, "WARN", "s 2026 is in the warehouse and is not shown"),
        ({2025}, {2026}, "ERROR", "s 2025 is in the warehouse"),
    ],
)
def test_shown_and_stored_years_are_compared(
    stored: set[int], shown: set[int], severity: str | None, text: str
) -> None:
    result = presence_result(
        stored={("s", year) for year in stored}, shown={("s", year) for year in shown}
    )

    assert result.passed is (severity is None)
    assert severity in (None, result.severity.value)
    assert text in str(result.description)
