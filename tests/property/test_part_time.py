"""Working time counts beside headcount, recomputed with pandas; it changes no draw."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.report.figures import read_years
from simulation.report.summary import has_part_time

YEARS = range(2025, 2028)
# by the identifier: of ten, three work half of the time and one 37.5 hours of 40
PART_TIME = """
update raw.baseline_workforce_validated
set fte = case (md5_number(employee_id || 'fte') & 65535)::integer % 10
    when 0 then 0.5 when 1 then 0.5 when 2 then 0.5 when 3 then 0.9375
end
"""
BAND = "select level, min_compensation from seeds.job_levels"  # at the start; bands rise every year
Tables = dict[str, pd.DataFrame]


@pytest.fixture(scope="module")
def runs(statements: tuple[Statement, ...], census: Path) -> tuple[Tables, Tables]:
    """The tables of a census in which some work part time, and of the same without."""
    of_years = [one for one in statements if one.year in (None, *YEARS)]
    settings = settings_with(
        simulation={"end_year": YEARS[-1]},
        hiring={"minimum_recent_joiners": 3},
        compensation={"merit_budget": 0.0, "cola_rate": 0.0, "promotion_rate": 0.3},
    )

    def tables(*, is_part_time: bool) -> Tables:
        def after(connection: duckdb.DuckDBPyConnection, node: str) -> None:
            if node == "census" and is_part_time:
                connection.execute(PART_TIME)

        with simulate(
            of_years, census=census, settings=settings, employees=400, after=after
        ) as made:
            found = {
                "ledger": made.sql("from intermediate.int_employee_years").df(),
                "departments": made.sql("from marts.fct_department_summary").df(),
                "years": made.sql("from marts.fct_year_summary").df(),
                "pay": made.sql("from intermediate.int_hire_pay").df(),
                "levels": made.sql(BAND).df(),
            }
            assert has_part_time(read_years(made, "baseline")) == is_part_time
        return found

    return tables(is_part_time=True), tables(is_part_time=False)


def test_full_time_equivalents_are_the_sum_of_the_departments_and_of_the_people(
    runs: tuple[Tables, Tables],
) -> None:
    part_time, full_time = runs
    ledger = part_time["ledger"]
    active = ledger[ledger.termination_date.isna()]
    by_department = active.groupby(["simulation_year", "department"]).fte.sum().astype(float)
    stored = part_time["departments"].set_index(["simulation_year", "department"]).end_fte
    assert stored[stored > 0].astype(float).sort_index().to_dict() == by_department.to_dict()
    years = part_time["years"].set_index("simulation_year")
    assert years.end_fte.astype(float).to_dict() == (
        by_department.groupby("simulation_year").sum().to_dict()
    )
    assert (years.end_fte < years.end_headcount).all()
    assert (full_time["years"].end_fte == full_time["years"].end_headcount).all()


def test_working_time_stays_and_changes_neither_who_leaves_nor_who_joins(
    runs: tuple[Tables, Tables],
) -> None:
    columns = ["simulation_year", "employee_id", "hire_date", "department", "termination_date"]
    one, other = (
        tables["ledger"][columns].sort_values(columns[:2]).reset_index(drop=True) for tables in runs
    )
    pd.testing.assert_frame_equal(one, other)
    times = runs[0]["ledger"].groupby("employee_id").fte
    assert (times.min() == times.max()).all()


def test_hires_work_as_the_joiners_whose_pay_they_get(runs: tuple[Tables, Tables]) -> None:
    ledger, pay = runs[0]["ledger"], runs[0]["pay"]
    hires = ledger[ledger.is_new_hire & (ledger.simulation_year == YEARS[0])]
    # of two with the same pay, either
    known = pay.groupby(["level", pay.annual_compensation.astype(float)]).fte.agg(set).to_dict()
    checked = [
        row.fte in known[key]
        for row in hires.itertuples()
        if (key := (row.opening_level, float(row.opening_compensation))) in known
    ]
    assert all(checked)
    assert len(checked) > 20
    assert set(hires.fte.astype(float)) == {0.5, 0.9375, 1.0}


def test_a_promotion_lifts_part_time_pay_to_its_share_of_the_band(
    runs: tuple[Tables, Tables],
) -> None:
    ledger = runs[0]["ledger"]
    lowest = runs[0]["levels"].set_index("level").min_compensation.astype(float)
    promoted = ledger[ledger.promotion_date.notna() & (ledger.fte == 0.5)]
    assert len(promoted) > 5
    after = promoted.compensation_after_promotion.astype(float)
    share = after / promoted.level.map(lowest)
    ratio = after / promoted.opening_compensation.astype(float)
    assert (share >= 0.4999).all()
    # none is lifted to the band of full time
    assert ((ratio < 1.31) | (share < 0.5001)).all()
