"""Years that begin on another day than 1 January: the same people, moved by months."""

from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement

YEARS = range(2025, 2028)
EMPLOYEES = 3_000
# The shipped dates, moved back by as many months; the raises of before lie on 15 July.
MOVED = {
    3: ("10-01", {"promotion_date": "11-01", "raise_date": "04-15"}, "12-31"),
    6: ("07-01", {"promotion_date": "08-01", "raise_date": "01-15"}, "09-30"),
    9: ("04-01", {"promotion_date": "05-01", "raise_date": "10-15"}, "06-30"),
}


@pytest.fixture(scope="module")
def ledger(statements: tuple[Statement, ...], census: Path) -> Any:
    """Simulates shrinking years that begin so many months before January, from a moved census."""
    of_years = [one for one in statements if one.year in (None, *YEARS)]

    def simulated(months: int) -> pd.DataFrame:
        changes: dict[str, Any] = {
            "simulation": {"end_year": YEARS[-1], "target_growth_rate": -0.15},
        }
        if months:
            first_day, compensation, reduction = MOVED[months]
            changes["simulation"]["first_day"] = first_day
            changes |= {
                "compensation": compensation,
                "workforce": {"reduction_date": reduction},
            }

        def move(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
            if node == "schemas":
                warehouse.execute(
                    "update raw.baseline_workforce_validated set "
                    "birth_date = (birth_date - to_months($months))::date, "
                    "hire_date = (hire_date - to_months($months))::date",
                    {"months": months},
                )

        with simulate(
            of_years,
            census=census,
            settings=settings_with(**changes),
            employees=EMPLOYEES,
            after=move,
        ) as warehouse:
            return warehouse.sql(
                "select ledger.*, parameters.first_day, parameters.year_end as last_day, "
                "date_sub('year', birth_date, parameters.year_end) as whole_years, "
                "date_sub('year', hire_date, parameters.year_end) as whole_years_of_service, "
                "from intermediate.int_employee_years as ledger "
                "join staging.stg_simulation_parameters as parameters "
                "using (fingerprint, simulation_year) order by simulation_year, employee_id"
            ).df()

    return simulated


@pytest.fixture(scope="module")
def calendar(ledger: Any) -> pd.DataFrame:
    return ledger(0)


@pytest.mark.parametrize("months", MOVED)
def test_everybody_moves_by_the_same_months(
    ledger: Any, calendar: pd.DataFrame, months: int
) -> None:
    fiscal = ledger(months)
    same = [
        *("simulation_year", "employee_id", "opening_age", "opening_tenure", "age", "level"),
        *("tenure_years", "termination_category", "termination_probability"),
    ]
    pd.testing.assert_frame_equal(calendar.loc[:, same], fiscal.loc[:, same])
    # Months are of different length, so of leavers and hires a few days decide about the raise;
    # for the others, that only moves the scale of the merits a little.
    steady = calendar.termination_date.isna() & (calendar.simulation_year == YEARS[0])
    pay = [rows.annual_compensation[steady & ~rows.is_new_hire] for rows in (calendar, fiscal)]
    assert len(pay[0])
    assert ((pay[0] / pay[1] - 1).abs() < 1e-3).all()
    assert (fiscal.first_day == calendar.first_day - pd.DateOffset(months=months)).all()
    reduced = fiscal[fiscal.termination_category == "reduction_in_force"]
    assert len(reduced)
    assert (reduced.termination_date.dt.strftime("%m-%d") == MOVED[months][2]).all()


@pytest.mark.parametrize("months", MOVED)
def test_dates_lie_in_their_year_and_years_are_counted_by_the_calendar(
    ledger: Any, months: int
) -> None:
    fiscal = ledger(months)
    assert (fiscal.last_day.dt.year == fiscal.simulation_year).all()
    for name in ("termination_date", "promotion_date", "raise_date"):
        dated = fiscal[fiscal[name].notna()]
        assert len(dated)
        assert dated[name].between(dated.first_day, dated.last_day).all()
    assert (fiscal.age == fiscal.whole_years).all()
    assert (fiscal.tenure_years == fiscal.whole_years_of_service).all()
    # Who is employed all year, and neither promoted nor raised, is paid for all of it.
    dates = fiscal[["termination_date", "raise_date", "promotion_date"]]
    steady = fiscal[dates.isna().all(axis=1) & ~fiscal.is_new_hire]
    assert (steady.prorated_compensation == steady.annual_compensation).all()
