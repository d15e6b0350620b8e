"""Employees with a termination date after the census leave on it, and fewer others are drawn."""

from pathlib import Path

import duckdb
import pandas as pd
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement

YEARS = range(2025, 2028)
EMPLOYEES = 1_000


def ledger(
    statements: tuple[Statement, ...], census: Path, known: str, growth: float = 0.03
) -> pd.DataFrame:
    """Simulate with known dates, given as SQL of the census employee's number."""

    def set_dates(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
        if node == "schemas":
            warehouse.execute(
                "update raw.baseline_workforce_validated as census "
                "set termination_date = known.day "
                f"from (select employee_id, {known} as day from (select employee_id, "
                "row_number() over (order by employee_id) as number "
                "from raw.baseline_workforce_validated)) as known "
                "where census.employee_id = known.employee_id"
            )

    with simulate(
        [one for one in statements if one.year in (None, *YEARS)],
        census=census,
        settings=settings_with(
            simulation={"end_year": YEARS[-1], "target_growth_rate": growth},
            workforce={"retirement": [{"age": 60, "probability": 0.5}]},
        ),
        employees=EMPLOYEES,
        after=set_dates,
    ) as warehouse:
        return warehouse.sql(
            "select ledger.*, census.termination_date as known, plan.experienced_terminations "
            "from intermediate.int_employee_years as ledger "
            "join intermediate.int_headcount_plan as plan using (simulation_year) "
            "left join raw.baseline_workforce_validated as census using (employee_id) "
            "order by simulation_year, employee_id"
        ).df()


KNOWN = (
    "case when number % 20 = 0 then date '2025-03-31' + (number % 200)::integer "
    "when number % 20 = 1 then date '2026-12-31' when number % 20 = 2 then date '2040-06-30' end"
)


@pytest.mark.parametrize("growth", [0.03, -0.3])
def test_known_leavers_leave_on_their_dates_and_count_among_the_planned(
    statements: tuple[Statement, ...], census: Path, growth: float
) -> None:
    rows = ledger(statements, census, KNOWN, growth)
    known = rows[rows.known.notna()]
    left = known[known.termination_date.notna()]
    assert (left.termination_date == left.known).all()
    assert len(left) == 100  # the 50 of 2025 and the 50 of 2026; those of 2040 stay
    assert set(known[known.simulation_year == YEARS[-1]].known.dt.year) == {2040}
    assert set(left.termination_category) == {"experienced_termination"}
    drawn = rows[rows.termination_category.isin(["experienced_termination", "retirement"])]
    counts = drawn.groupby("simulation_year").size()
    plan = rows.groupby("simulation_year").experienced_terminations.first()
    assert (counts == plan).all()
    chances = rows[~rows.is_new_hire].groupby("simulation_year").termination_probability.sum()
    assert ((chances - plan).abs() < 1e-3).all()
    assert (left.termination_probability == 1).all()


def test_more_known_leavers_than_planned_all_leave_and_are_replaced(
    statements: tuple[Statement, ...], census: Path
) -> None:
    rows = ledger(statements, census, "if(number <= 400, date '2025-06-30', null)")
    first = rows[rows.simulation_year == YEARS[0]]
    assert (first.termination_date.notna() & ~first.is_new_hire).sum() == 400
    assert first.termination_date.isna().sum() == 1030
