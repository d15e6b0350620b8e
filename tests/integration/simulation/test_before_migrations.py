"""A simulation's warehouse of before migrations, and one that a newer release has added to."""

from pathlib import Path

import duckdb
from tests.integration.simulation.warehouse_run import run_everything
from tests.support.warehouse_layout import add_a_column_to_each_table, layout, row_counts

from simulation.census.tables import create_tables as create_census_tables
from simulation.state.tables import create_tables
from simulation.state.year_state import read_states

WRITTEN = Path(__file__).parent / "before_migrations.sql"


def test_its_rows_stay_and_another_scenario_adds_to_them(tmp_path: Path) -> None:
    with duckdb.connect() as connection, duckdb.connect() as new:
        connection.execute(WRITTEN.read_text("utf-8"))
        before = row_counts(connection, ["raw"])
        for opened in (connection, new):
            create_tables(opened)
            create_census_tables(opened)
        assert before.items() <= row_counts(connection, ["raw"]).items()
        assert layout(connection, ["raw"]) == layout(new, ["raw"])
        run_everything(connection, "hiring_freeze", tmp_path)
        for scenario in ("baseline", "hiring_freeze"):
            years = range(2025, 2026)
            [state] = read_states(connection, scenario_id=scenario, years=years)
            assert state.active_headcount == 1


def test_columns_of_a_newer_release_disturb_no_step(tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        create_tables(connection)
        create_census_tables(connection)
        add_a_column_to_each_table(connection, ["raw"])
        run_everything(connection, "baseline", tmp_path)
        run_everything(connection, "baseline", tmp_path)
        counts = row_counts(connection, ["raw"])
        empty = {name for name, count in counts.items() if not count}
        of_settings = {
            "raw.cost_rates",
            "raw.hire_level_mix",
            "raw.known_events",
            "raw.retirement_plans",
            "raw.scenario_levels",
            "raw.scenario_rates",
        }
        assert empty == {"raw.census_set_aside"} | of_settings
