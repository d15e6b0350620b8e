"""Which stored years a run removes, with the reason, and that nothing else is removed."""

from collections.abc import Callable

import duckdb
import pytest
from tests.unit.simulation.test_runs import (
    FIVE_YEARS,
    broken_off,
    open_years,
    request,
    simulate,
    states,
    warehouse,
)

from simulation.config import load_scenario
from simulation.state.removal import Removal, confirmed_removal
from simulation.state.runs import YearRefusedError, record_request
from simulation.state.stored_years import completed_years
from simulation.state.year_state import record_states

__all__ = ["warehouse"]

Change = Callable[[duckdb.DuckDBPyConnection], None]


def finish(connection: duckdb.DuckDBPyConnection, scenario: str = "baseline") -> None:
    broken_off(connection, FIVE_YEARS, scenario)
    record_states(connection, years=FIVE_YEARS)


def another_growth(connection: duckdb.DuckDBPyConnection) -> None:
    request(connection, simulation={"target_growth_rate": 0.04})


def many_other_settings(connection: duckdb.DuckDBPyConnection) -> None:
    request(
        connection,
        simulation={"random_seed": 7, "target_growth_rate": 0.04},
        compensation={"cola_rate": 0.01, "merit_budget": 0.02, "promotion_age_limit": 70},
    )


def another_census(connection: duckdb.DuckDBPyConnection) -> None:
    request(connection)
    connection.execute("delete from raw.baseline_workforce_validated where employee_id = 'E2'")


def other_rules(connection: duckdb.DuckDBPyConnection) -> None:
    request(connection)
    connection.execute(
        "update raw.simulation_configurations set fingerprint = 'before', rules_digest = 'before' "
        "where scenario_id = 'baseline'"
    )
    connection.execute(
        "update intermediate.int_employee_years set fingerprint = 'before' "
        "where scenario_id = 'baseline'"
    )


def a_release_that_recorded_no_inputs(connection: duckdb.DuckDBPyConnection) -> None:
    other_rules(connection)
    connection.execute("update raw.simulation_configurations set rules_digest = null")


def rows_of_2027(connection: duckdb.DuckDBPyConnection) -> None:
    request(connection)
    connection.execute(
        "update intermediate.int_employee_years set annual_compensation = 1 "
        "where simulation_year = 2027 and employee_id = 'E0' and scenario_id = 'baseline'"
    )


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            another_growth,
            "2025 to 2029 of scenario baseline, because simulation.target_growth_rate was 0.03 "
            "and is 0.04",
        ),
        (many_other_settings, "and compensation.promotion_age_limit was 65 and is 70 and 2 more"),
        (another_census, "the census had 3 employees, and this one has 2"),
        (other_rules, "the rules, that is SQL or seeds, have changed"),
        (a_release_that_recorded_no_inputs, "the census or the rules have changed"),
        (
            rows_of_2027,
            "2027 to 2029 of scenario baseline, because the rows of 2027 are no longer those",
        ),
    ],
)
def test_what_would_be_removed_is_named_with_its_reason_and_stays(
    change: Change, text: str, warehouse: duckdb.DuckDBPyConnection
) -> None:
    finish(warehouse)
    finish(warehouse, "high_growth")
    change(warehouse)
    stored = completed_years(warehouse, "baseline")
    with pytest.raises(YearRefusedError) as refused:
        confirmed_removal(warehouse, first_year=2025)
    assert text in str(refused.value)
    assert "high_growth" not in str(refused.value)
    assert "`replace: true`" in str(refused.value)
    assert completed_years(warehouse, "baseline") == stored


@pytest.mark.parametrize("years", [FIVE_YEARS, range(2025, 2026), range(2026, 2028)])
def test_nothing_is_removed_by_a_run_of_the_same(
    years: range, warehouse: duckdb.DuckDBPyConnection
) -> None:
    finish(warehouse)
    recorded = states(warehouse)
    request(warehouse, resume=False, simulation={"end_year": 2031})
    assert not confirmed_removal(warehouse, first_year=2025)
    opened = open_years(warehouse, years)
    assert completed_years(warehouse, "baseline") == dict.fromkeys(FIVE_YEARS, opened.fingerprint)
    record_states(warehouse, years=years)
    assert states(warehouse) == recorded


def test_confirmed_years_beyond_the_run_are_removed_and_those_of_others_stay(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    finish(warehouse)
    finish(warehouse, "high_growth")
    settings = load_scenario("baseline", changes={"simulation": {"random_seed": 43}})
    record_request(warehouse, scenario_id="baseline", settings=settings, resume=True, replace=True)
    assert set(confirmed_removal(warehouse, first_year=2025).reasons) == set(FIVE_YEARS)
    open_years(warehouse, range(2025, 2027))
    # those of the run itself are replaced year by year
    assert set(completed_years(warehouse, "baseline")) == {2025, 2026}
    assert set(completed_years(warehouse, "high_growth")) == set(FIVE_YEARS)
    assert set(states(warehouse, "high_growth")) == set(FIVE_YEARS)


def test_a_year_that_was_altered_is_computed_again_with_those_after_it(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    finish(warehouse)
    rows_of_2027(warehouse)
    with pytest.raises(YearRefusedError, match="year 2028 of scenario baseline has not been"):
        open_years(warehouse, range(2029, 2030))
    opened = open_years(warehouse, FIVE_YEARS)
    assert opened.first_year == 2027
    assert set(completed_years(warehouse, "baseline")) == {2025, 2026}
    assert set(states(warehouse)) == {2025, 2026}
    simulate(warehouse, opened, range(2027, 2030))
    record_states(warehouse, years=FIVE_YEARS)
    assert not confirmed_removal(warehouse, first_year=2025)


def test_years_are_put_into_words() -> None:
    reasons = {2025: "a", 2026: "a", 2028: "a", 2030: "b"}
    assert str(Removal(scenario_id="s", reasons=reasons)) == (
        "2025 to 2026 and 2028 of scenario s, because a; 2030 of scenario s, because b"
    )
