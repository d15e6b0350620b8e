"""Scenarios share their luck: one change moves the outcome only where it acts, in its direction."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement

Statements = tuple[Statement, ...]
YEARS = range(2025, 2028)
RAISE_DATES = {year: pd.Timestamp(year, 7, 15) for year in YEARS}
PERSON = ["employee_id", "birth_date", "hire_date", "department", "termination_date"]
Changes = Mapping[str, dict[str, Any]]

few_examples = settings(
    max_examples=3,
    deadline=None,
    # an example takes a second: shrinking one would take minutes and say no more
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
EMPLOYEES = st.integers(1, 400)
SEEDS = st.integers(0, 2**40)
SHARES = st.integers(0, 90_000).map(lambda value: value / 1e6)
MORE = st.integers(1, 60_000).map(lambda value: value / 1e6)


@pytest.fixture(scope="module")
def ledgers(statements: Statements, census: Path) -> Any:
    """Simulates a small workforce and returns its ledger."""

    def ledger(employees: int, seed: int, changes: Changes, scenario: str = "a") -> pd.DataFrame:
        simulation = {**changes.get("simulation", {}), "random_seed": seed, "end_year": YEARS[-1]}
        with simulate(
            [statement for statement in statements if statement.year in (None, *YEARS)],
            census=census,
            settings=settings_with(**{**changes, "simulation": simulation}),
            employees=employees,
            scenario_id=scenario,
        ) as warehouse:
            return warehouse.sql(
                "select * exclude (fingerprint, scenario_id) from intermediate.int_employee_years "
                "order by simulation_year, employee_id"
            ).df()

    return ledger


def payroll(ledger: pd.DataFrame) -> pd.Series:
    """The payroll at the end of each year."""
    active = ledger[ledger.termination_date.isna()]
    return active.groupby("simulation_year").annual_compensation.sum()


def leavers(ledger: pd.DataFrame, year: int) -> set[str]:
    left = ledger.termination_date.notna() & (ledger.termination_category != "reduction_in_force")
    return set(ledger.employee_id[left & (ledger.simulation_year == year)])


@few_examples
@given(employees=EMPLOYEES, seed=SEEDS)
def test_scenarios_without_a_difference_have_the_same_rows(
    ledgers: Any, employees: int, seed: int
) -> None:
    one, other = (ledgers(employees, seed, {}, name) for name in ("one", "other"))
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize("rate", ["cola_rate", "merit_budget"])
@few_examples
@given(employees=EMPLOYEES, seed=SEEDS, low=SHARES, more=MORE)
def test_more_pay_moves_nobody_and_never_lowers_the_payroll(
    ledgers: Any, rate: str, employees: int, seed: int, low: float, more: float
) -> None:
    before = ledgers(employees, seed, {"compensation": {rate: low}})
    after = ledgers(employees, seed, {"compensation": {rate: round(low + more, 6)}})
    pd.testing.assert_frame_equal(before[PERSON], after[PERSON])
    assert (payroll(after) >= payroll(before)).all()


@few_examples
@given(employees=EMPLOYEES, seed=SEEDS, low=SHARES, more=MORE, year=st.sampled_from(YEARS))
def test_a_higher_promotion_rate_moves_nobody_and_never_lowers_the_payroll_on_the_raise_date(
    ledgers: Any, employees: int, seed: int, low: float, more: float, year: int
) -> None:
    """From one opening state, of all who are employed on that day: they share the merits.

    At the end of the year it may be lower, by any share in a small workforce: who is promoted takes
    more of the merits, and then may leave. Six employees with seed 13, and rates of 5 and 15 % in
    all years, end the second year 0.15 % lower. Later years start from that.
    """

    def rates(rate: float) -> Changes:
        return {"compensation": {"promotion_rate": dict.fromkeys(YEARS, low) | {year: rate}}}

    before, after = (ledgers(employees, seed, rates(rate)) for rate in (low, round(low + more, 6)))
    pd.testing.assert_frame_equal(before[PERSON], after[PERSON])
    pd.testing.assert_frame_equal(
        before[before.simulation_year < year], after[after.simulation_year < year]
    )
    before, after = (ledger[ledger.simulation_year == year] for ledger in (before, after))
    assert (after.promotion_date.notna() | before.promotion_date.isna()).all()
    assert (after.compensation_after_promotion >= before.compensation_after_promotion).all()
    employed = before.termination_date.isna() | (before.termination_date >= RAISE_DATES[year])
    lower, higher = (ledger.annual_compensation[employed].sum() for ledger in (before, after))
    # each pay is rounded to the cent
    assert higher >= lower - 0.01 * employed.sum()


@few_examples
@given(employees=EMPLOYEES, seed=SEEDS, low=SHARES, more=MORE, year=st.sampled_from(YEARS))
def test_a_higher_termination_rate_keeps_the_former_leavers(
    ledgers: Any, employees: int, seed: int, low: float, more: float, year: int
) -> None:
    def rates(rate: float) -> Changes:
        of_years = dict.fromkeys(YEARS, low) | {year: rate}
        return {"workforce": {"experienced_termination_rate": of_years}}

    before, after = (ledgers(employees, seed, rates(rate)) for rate in (low, round(low + more, 6)))
    until = before.simulation_year < year
    pd.testing.assert_frame_equal(
        before[until], after[after.simulation_year < year], check_like=False
    )
    assert leavers(before, year) <= leavers(after, year)


@few_examples
@given(employees=EMPLOYEES, seed=SEEDS, low=SHARES, more=MORE)
def test_more_growth_keeps_all_former_hires(
    ledgers: Any, employees: int, seed: int, low: float, more: float
) -> None:
    def hires(growth: float) -> pd.DataFrame:
        rows = ledgers(employees, seed, {"simulation": {"target_growth_rate": growth}})
        person = ["birth_date", "hire_date", "department", "opening_level", "opening_compensation"]
        return rows[rows.is_new_hire & (rows.simulation_year == YEARS[0])].set_index("employee_id")[
            [*person, "termination_date"]
        ]

    before, after = hires(low), hires(round(low + more, 6))
    pd.testing.assert_frame_equal(before, after.loc[before.index])


def test_a_census_without_birth_dates_is_filled_alike_whatever_seed(
    statements: Statements, census: Path
) -> None:
    def birth_dates(seed: int) -> list[tuple[str, str]]:
        with simulate(
            [statement for statement in statements if statement.year in (None, YEARS[0])],
            census=census,
            settings=settings_with(simulation={"random_seed": seed}),
            employees=50,
            after=lambda warehouse, node: (
                forget_birth_dates(warehouse) if node == "schemas" else None
            ),
        ) as warehouse:
            return warehouse.sql(
                "select employee_id, birth_date from intermediate.int_baseline_workforce order by 1"
            ).fetchall()

    assert birth_dates(1) == birth_dates(2)


def forget_birth_dates(warehouse: duckdb.DuckDBPyConnection) -> None:
    warehouse.execute("update raw.baseline_workforce_validated set birth_date = null")
