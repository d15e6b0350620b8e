"""The scenarios as the platform's board shows them."""

import duckdb

from simulation.assets.years import scenarios_for_the_board
from simulation.state.year_state import headcounts_by_scenario


def test_each_stored_year_of_each_scenario_has_its_headcount() -> None:
    with duckdb.connect() as connection:
        connection.execute(
            "create schema raw; create table raw.simulation_year_state as "
            "select * from (values ('baseline', 2026, 90), ('baseline', 2025, 100), "
            "('growth', 2026, 120)) as rows(scenario_id, simulation_year, active_headcount)"
        )
        found = headcounts_by_scenario(connection)
    [(name, table)] = scenarios_for_the_board(found).items()
    assert name == "board/Headcount by scenario and year"
    assert [record.data for record in table.records] == [
        {"scenario": "baseline", "2025": 100, "2026": 90},
        {"scenario": "growth", "2025": None, "2026": 120},
    ]
