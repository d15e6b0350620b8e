"""The asset checks: each fails for what it is there for, and says by how much."""

from dataclasses import replace
from decimal import Decimal

import dagster as dg
import pytest

from simulation.checks import completeness_result, growth_result, service_level_result
from simulation.state.year_state import YearState, YearSummary

YEARS = range(2025, 2028)


def summary(year: int, start: int, end: int, *, target: int | None = None) -> YearSummary:
    """A year that grew from ``start`` to ``end`` and was to grow to ``target``."""
    return YearSummary(
        scenario_id="baseline",
        simulation_year=year,
        start_headcount=start,
        hires=200,
        experienced_terminations=start + 200 - 50 - end,
        retirements=0,
        reductions_in_force=0,
        new_hire_terminations=50,
        promotions=30,
        raises=800,
        end_headcount=end,
        target_headcount=target or end,
        growth_rate=end / start - 1,
        target_growth_rate=0.03,
        growth_tolerance=0.005,
        total_turnover=(start + 200 - end) / ((start + end) / 2),
        start_payroll=Decimal(100),
        end_payroll=Decimal(110),
    )


SUMMARIES = [summary(2025, 1000, 1030), summary(2026, 1030, 1061), summary(2027, 1061, 1093)]
STATES = [
    YearState(year.simulation_year, year.end_headcount, Decimal(110), "d") for year in SUMMARIES
]


def growth_of(item: YearSummary, rate: float) -> YearSummary:
    return replace(item, growth_rate=rate)


def test_years_on_target_pass_with_their_figures() -> None:
    result = growth_result(SUMMARIES)
    assert result.passed
    assert result.metadata["growth 2025"].value == {
        "rate": pytest.approx(0.03),
        "target": 0.03,
        "threshold": 0.0055,  # the tolerance and half of one in a thousand
    }


@pytest.mark.parametrize("rate", [0.0356, 0.0244, -0.03])
def test_a_year_off_its_target_fails_with_rate_and_threshold(rate: float) -> None:
    result = growth_result([growth_of(SUMMARIES[0], rate), *SUMMARIES[1:]])
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert result.description == f"2025 grew by {rate:.4%}, target is 3.0000% +- 0.5500%"


@pytest.mark.parametrize("rate", [0.0354, 0.0246])
def test_differences_within_tolerance_and_rounding_pass(rate: float) -> None:
    assert growth_result([growth_of(SUMMARIES[0], rate)]).passed


def test_a_handful_of_people_may_miss_by_rounding_but_not_by_a_person() -> None:
    strict = replace(summary(2025, 10, 10), growth_tolerance=0.0)
    assert growth_result([strict]).passed  # 10.3 is 10 people
    assert not growth_result([growth_of(strict, 0.1)]).passed


def test_no_year_at_all_is_no_success() -> None:
    result = growth_result([])
    assert not result.passed
    assert result.description == "no year of the scenario has been simulated"


def test_complete_years_pass() -> None:
    result = completeness_result(YEARS, SUMMARIES, STATES)
    assert result.passed
    assert result.description == "2025 to 2027 are complete"


@pytest.mark.parametrize(
    ("summaries", "states", "problem"),
    [
        (SUMMARIES[:2], STATES, "2027 is missing"),
        (SUMMARIES, STATES[1:], "2025 is missing"),
        (
            [SUMMARIES[0], replace(SUMMARIES[1], hires=201), SUMMARIES[2]],
            STATES,
            "2026 is off by 1 employees",
        ),
        (
            SUMMARIES,
            [*STATES[:2], replace(STATES[2], active_headcount=1092)],
            "2027 ends with 1093, its state has 1092",
        ),
        (
            [SUMMARIES[0], summary(2026, 1029, 1061), SUMMARIES[2]],
            STATES,
            "2026 starts with 1029, 2025 ended with 1030",
        ),
        ([], [], "2025 is missing; 2026 is missing; 2027 is missing"),
    ],
)
def test_a_year_that_is_not_whole_is_named_with_what_it_lacks(
    summaries: list[YearSummary], states: list[YearState], problem: str
) -> None:
    result = completeness_result(YEARS, summaries, states)
    assert not result.passed
    assert result.severity is dg.AssetCheckSeverity.ERROR
    assert result.description == problem


@pytest.mark.parametrize(
    ("seconds", "rows", "passed"),
    [
        (60.0, 100, True),  # a small run, held against the clock
        (60.1, 100, False),
        (3000.0, 6_000_000, True),  # a large one, at the agreed rate
        (6001.0, 6_000_000, False),
    ],
)
def test_the_service_level_is_a_time_or_a_rate(*, seconds: float, rows: int, passed: bool) -> None:
    result = service_level_result(seconds=seconds, rows=rows, seconds_limit=60, rate_limit=1000)
    assert result.passed is passed
    # it warns: late results are results all the same
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.metadata["seconds"].value == seconds
    assert result.metadata["rows_per_second"].value == pytest.approx(rows / seconds)
    assert f"{rows:,} employee-years in {seconds:.1f} s" in str(result.description)
    assert "the service level is 60 s, or at least 1,000 a second" in str(result.description)
