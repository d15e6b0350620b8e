"""A year that misses its target stops what would be published from it."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
from tests.integration.simulation.conftest import FIVE_YEARS, Finished
from tests.integration.simulation.launching import instance

from simulation.state.partitions import range_tags

PUBLISHING = [
    dg.AssetKey(name) for name in ("simulated_years", "simulation_year_state", "simulation_report")
]
GROWTH = dg.AssetCheckKey(PUBLISHING[0], "validate_growth_rates")
YEARS = range_tags("baseline", FIVE_YEARS)


def publish() -> dg.ExecuteInProcessResult:
    """The steps behind the models, without computing the years anew."""
    from simulation.definitions import defs

    with instance() as found:
        return defs.resolve_job_def("multi_year_simulation").execute_in_process(
            instance=found, asset_selection=PUBLISHING, tags=YEARS, raise_on_error=False
        )


def test_a_year_that_misses_its_growth_stops_the_report(
    begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    warehouse = begin_with(finished)
    with duckdb.connect(str(warehouse)) as connection:
        # the years add up as before, but 2027 should have ended with more employees
        connection.execute(
            "update raw.simulation_parameters set target_headcount = target_headcount + 100 "
            "where simulation_year = 2027"
        )

    result = publish()

    assert not result.success
    [check] = [
        found for found in result.get_asset_check_evaluations() if found.asset_check_key == GROWTH
    ]
    assert not check.passed
    assert (check.description or "").startswith("2027 grew by ")
    assert result.asset_materializations_for_node("simulation_report") == []


def test_years_that_meet_their_growth_are_published(
    begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    begin_with(finished)

    result = publish()

    assert result.success
    assert result.asset_materializations_for_node("simulation_report")
