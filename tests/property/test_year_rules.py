"""What holds for every simulated year, whatever the configuration; recomputed without SQL."""

from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.replay import LEDGER_DIGEST, YEARS, settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings

Statements = tuple[Statement, ...]


def millionths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda value: value / 1e6)


SCENARIOS = st.builds(
    lambda growth, leaving, new_leaving, days, seed, percentile, budget, cola: settings_with(
        simulation={"target_growth_rate": growth, "random_seed": seed},
        workforce={
            "experienced_termination_rate": leaving,
            "new_hire_termination_rate": new_leaving,
            "minimum_days_before_leaving": days,
        },
        hiring={"pay_percentile": percentile},
        compensation={"merit_budget": budget, "cola_rate": cola},
    ),
    growth=millionths(-0.2, 0.3),
    leaving=millionths(0, 0.9),
    new_leaving=millionths(0, 0.9),
    days=st.integers(0, 330),
    seed=st.integers(0, 2**40),
    percentile=millionths(0, 1),
    budget=millionths(0, 0.1),
    cola=millionths(0, 0.1),
)


@settings(
    max_examples=20,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=SCENARIOS, employees=st.integers(2, 3000), skip=st.integers(0, 100_000))
def test_the_rules_hold_for_any_configuration(
    statements: Statements, census: Path, scenario: ScenarioSettings, employees: int, skip: int
) -> None:
    with simulate(
        statements, census=census, settings=scenario, employees=employees, skip=skip
    ) as warehouse:
        snapshot = warehouse.sql("from marts.fct_workforce_snapshot").df()
        events = warehouse.sql("from marts.fct_yearly_events").df()
        summary = warehouse.sql("from marts.fct_year_summary order by simulation_year").df()
        opening = warehouse.sql("from intermediate.int_baseline_workforce").df()
        quality = warehouse.sql(
            "select * from monitoring.mon_data_quality where status <> 'pass' "
            # pay is for the configuration to say
            "and check_name not in ('outside_band_share', 'payroll_change')"
        ).df()
        steep = warehouse.sql(
            "select simulation_year from monitoring.mon_data_quality "
            "where check_name = 'payroll_change' and status <> 'pass' order by simulation_year"
        ).fetchall()
    assert quality.empty, quality
    assert [year for (year,) in steep] == [
        year.simulation_year
        for year in summary.itertuples()
        if year.start_payroll and not 0.85 <= year.end_payroll / year.start_payroll <= 1.15
    ]
    headcounts_are_as_planned(summary, scenario, employees)
    every_row_is_in_order(snapshot, events, scenario)
    years_follow_each_other(snapshot, events, opening)
    prorated_pay_is_the_sum_of_its_days(snapshot, events)


def plan(start: int, employees: int, scenario: ScenarioSettings, year: int) -> dict[str, int]:
    """A year's movements by the rule's words, in exact decimals."""
    workforce = scenario.workforce

    def whole(value: Decimal, rounding: str) -> int:
        return int(value.quantize(Decimal(1), rounding=rounding))

    growth = 1 + Decimal(str(scenario.simulation.growth_in(year)))
    target = whole(employees * growth ** (year - YEARS[0] + 1), ROUND_HALF_UP)
    leaving = whole(start * Decimal(str(workforce.experienced_termination_rate)), ROUND_HALF_UP)
    net = target - (start - leaving)
    staying = 1 - Decimal(str(workforce.new_hire_termination_rate))
    hires = whole(net / staying, ROUND_CEILING) if net > 0 else 0
    return {
        "start_headcount": start,
        "hires": hires,
        "experienced_terminations": leaving,
        "reductions_in_force": max(-net, 0),
        "new_hire_terminations": hires - net if net > 0 else 0,
        "end_headcount": target,
        "target_headcount": target,
    }


def headcounts_are_as_planned(
    summary: pd.DataFrame, scenario: ScenarioSettings, employees: int
) -> None:
    start = employees
    for year in YEARS:
        expected = plan(start, employees, scenario, year)
        row = summary[summary.simulation_year == year].iloc[0]
        assert {name: int(row[name]) for name in expected} == expected
        start = expected["end_headcount"]


def every_row_is_in_order(
    snapshot: pd.DataFrame, events: pd.DataFrame, scenario: ScenarioSettings
) -> None:
    assert not snapshot.duplicated(["simulation_year", "employee_id"]).any()
    assert not events.event_id.duplicated().any()
    assert (events.effective_date.dt.year == events.simulation_year).all()
    left = snapshot[snapshot.termination_date.notna()]
    assert (left.termination_date.dt.year == left.simulation_year).all()
    assert (left.termination_date >= left.hire_date).all()
    dated = events.merge(snapshot, on=["simulation_year", "employee_id"], suffixes=("", "_s"))
    assert len(dated) == len(events)
    assert (dated.effective_date >= dated.hire_date).all()
    ended = dated[dated.termination_date.notna()]
    assert (ended.effective_date <= ended.termination_date).all()
    new = snapshot[snapshot.detailed_status == "new_hire_termination"]
    days = (new.termination_date - new.hire_date).dt.days
    assert (days >= scenario.workforce.minimum_days_before_leaving).all()
    assert (snapshot.age == snapshot.simulation_year - snapshot.birth_date.dt.year).all()
    counts = events.groupby("event_category").size()
    statuses = snapshot.groupby("detailed_status").size()
    experienced = sum(
        counts.get(category, 0)
        for category in ("experienced_termination", "retirement", "reduction_in_force")
    )
    assert experienced == statuses.get("experienced_termination", 0)


def years_follow_each_other(
    snapshot: pd.DataFrame, events: pd.DataFrame, opening: pd.DataFrame
) -> None:
    known = opening.set_index("employee_id")[["annual_compensation", "level"]]
    for year in YEARS:
        rows = snapshot[snapshot.simulation_year == year].set_index("employee_id")
        old = rows[rows.detailed_status.isin(["continuous_active", "experienced_termination"])]
        assert set(old.index) == set(known.index)
        chain = {key: (pay, level) for key, pay, level in known.itertuples()}
        of_year = events[events.simulation_year == year]
        for event in of_year.sort_values("event_sequence").itertuples():
            if event.event_type == "hire":
                assert event.employee_id not in chain
            else:
                assert chain[event.employee_id] == (
                    event.previous_compensation,
                    event.previous_level,
                )
            if event.event_type != "termination":
                chain[event.employee_id] = (event.new_compensation, event.new_level)
        final = {key: (row.annual_compensation, row.level) for key, row in rows.iterrows()}
        assert chain == final
        known = rows[rows.termination_date.isna()][["annual_compensation", "level"]]


def prorated_pay_is_the_sum_of_its_days(snapshot: pd.DataFrame, events: pd.DataFrame) -> None:
    changes = events[events.event_type.isin(["promotion", "raise"])]
    by_employee = {
        key: list(zip(group.effective_date, group.previous_compensation, strict=True))
        for key, group in changes.sort_values("effective_date").groupby(
            ["simulation_year", "employee_id"]
        )
    }
    for row in snapshot.sample(min(len(snapshot), 3000), random_state=0).itertuples():
        days = pd.date_range(f"{row.simulation_year}-01-01", f"{row.simulation_year}-12-31")
        rate = np.full(len(days), float(row.annual_compensation))
        for day, before in reversed(by_employee.get((row.simulation_year, row.employee_id), [])):
            rate[: (day - days[0]).days] = float(before)
        first = max((row.hire_date - days[0]).days, 0)
        last = (
            len(days)
            if pd.isna(row.termination_date)
            else (row.termination_date - days[0]).days + 1
        )
        expected = rate[first:last].sum() / len(days)
        assert abs(float(row.prorated_compensation) - expected) <= 0.0051


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=SCENARIOS)
def test_threads_do_not_matter_and_the_seed_does(
    statements: Statements, census: Path, scenario: ScenarioSettings
) -> None:
    def digest(settings_: ScenarioSettings, threads: int) -> str:
        with simulate(
            statements, census=census, settings=settings_, employees=2_000, threads=threads
        ) as warehouse:
            return fetch(warehouse, LEDGER_DIGEST)

    other = scenario.model_copy(
        update={"simulation": scenario.simulation.model_copy(update={"random_seed": 2**41})}
    )
    assert digest(scenario, 1) == digest(scenario, 4)
    assert digest(scenario, 2) != digest(other, 2)


def fetch(warehouse: duckdb.DuckDBPyConnection, query: str) -> str:
    row = warehouse.execute(query).fetchone()
    assert row is not None
    return str(row[0])
