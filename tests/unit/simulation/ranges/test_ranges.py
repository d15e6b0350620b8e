"""Settings are drawn as far as they are uncertain, and bands are quantiles over the trials."""

import math
from pathlib import Path
from statistics import NormalDist, fmean, stdev
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from simulation.config import load_scenario
from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings
from simulation.ranges.bands import MEASURES, Outcome, bands_of
from simulation.ranges.drawing import drawn_settings
from simulation.ranges.ensemble import ScenarioRanges, what_stays, what_varies
from simulation.ranges.page import write_ranges

SEEDS = range(400)
Z90 = NormalDist().inv_cdf(0.95)


def uncertain(name: str = "baseline", **uncertainty: Any) -> ScenarioSettings:
    return load_scenario(name, changes={"uncertainty": uncertainty})


def test_without_uncertainty_the_seed_alone_differs() -> None:
    settings = load_scenario("baseline")
    assert drawn_settings(settings, 7).simulation.random_seed == 7
    same = {
        drawn_settings(settings, seed).model_dump_json(exclude={"simulation": {"random_seed"}})
        for seed in range(5)
    }
    assert same == {settings.model_dump_json(exclude={"simulation": {"random_seed"}})}


def test_nine_of_ten_draws_are_within_the_stated_distance() -> None:
    settings = uncertain(
        experienced_termination_rate=0.02,
        leaving_by_department={"Sales": 1.5},
        hiring_by_department={"Sales": 2.0},
        cola_by_department={"Sales": 0.01},
    )
    drawn = [drawn_settings(settings, seed) for seed in SEEDS]
    rates = [each.workforce.experienced_termination_rate for each in drawn]
    assert fmean(abs(rate - 0.12) <= 0.02 for rate in rates) == pytest.approx(0.9, abs=0.05)
    leaving = [math.log(each.workforce.leaving_by_department["Sales"]) for each in drawn]
    assert stdev(leaving) == pytest.approx(math.log(1.5) / Z90, rel=0.15)
    hiring = [math.log(each.hiring.hiring_by_department["Sales"]) for each in drawn]
    assert fmean(abs(value) <= math.log(2) for value in hiring) == pytest.approx(0.9, abs=0.05)
    points = [each.compensation.cola_by_department["Sales"] for each in drawn]
    assert fmean(abs(value) <= 0.01 for value in points) == pytest.approx(0.9, abs=0.05)
    # each by itself: no draw follows from another
    correlation = fmean(a * b for a, b in zip(leaving, hiring, strict=True))
    assert abs(correlation / stdev(leaving) / stdev(hiring)) < 0.15


WIDE: dict[str, Any] = {"target_growth_rate": 0.5, "cola_rate": 0.5, "promotion_rate": 0.5}
WIDEST = uncertain(**WIDE, hiring_by_department={"Sales": 1000.0})
OTHER = uncertain("high_growth", **WIDE)


@hypothesis_settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**40))
def test_a_draw_depends_on_the_seed_alone_and_stays_within_what_is_allowed(seed: int) -> None:
    drawn = drawn_settings(WIDEST, seed)
    assert drawn == drawn_settings(WIDEST, seed)
    assert drawn != drawn_settings(WIDEST, seed + 1)
    other = drawn_settings(OTHER, seed)
    assert other.compensation.cola_rate == drawn.compensation.cola_rate
    assert 0 <= drawn.compensation.cola_rate <= 0.5


def test_rates_by_year_move_together() -> None:
    drawn = drawn_settings(uncertain("hiring_freeze", target_growth_rate=0.02), 3)
    before = load_scenario("hiring_freeze").simulation.growth_in
    moved = {year: drawn.simulation.growth_in(year) - before(year) for year in range(2025, 2030)}
    assert max(moved.values()) - min(moved.values()) < 1e-5
    assert moved[2025]


def test_growth_as_an_outcome_is_the_planned_hires_less_the_drawn_leaving() -> None:
    settings = uncertain(experienced_termination_rate=0.04)
    for seed in range(20):
        target = drawn_settings(settings, seed)
        outcome = drawn_settings(settings, seed, growth="outcome")
        assert target.simulation.growth_in(2026) == 0.03
        assert outcome.workforce == target.workforce
        rate = outcome.workforce.experienced_termination_rate
        assert outcome.simulation.growth_in(2026) + rate == pytest.approx(0.15, abs=1e-6)


def test_growth_as_an_outcome_moves_years_and_departments_alike() -> None:
    by_year = load_scenario("hiring_freeze").simulation.target_growth_rate
    assert isinstance(by_year, dict)
    settings = uncertain("hiring_freeze", experienced_termination_rate=0.04)
    own = {"Sales": 0.1, "Legal": by_year}
    settings = settings.model_copy(
        update={"simulation": settings.simulation.model_copy(update={"growth_by_department": own})}
    )
    drawn = drawn_settings(settings, 7, growth="outcome")
    moved = rate_in(drawn.workforce.experienced_termination_rate, 2026) - rate_in(
        settings.workforce.experienced_termination_rate, 2026
    )
    assert moved
    growth = drawn.simulation.growth_by_department
    assert rate_in(growth["Sales"], 2026) == pytest.approx(0.1 - moved, abs=1e-6)
    assert growth["Legal"] == drawn.simulation.target_growth_rate
    assert drawn.simulation.growth_in(2026) == pytest.approx(by_year[2026] - moved, abs=1e-6)


def test_words_name_what_varies_and_what_does_not() -> None:
    none, some = load_scenario("baseline"), uncertain(experienced_termination_rate=0.02)
    assert "No setting varies" in what_varies(none, "target")
    assert "its band has no width" in what_stays(none, "target")
    assert "once for all its years: the rate of leaving." in what_varies(some, "target")
    assert "growth and the rate of leaving" in what_varies(some, "outcome")
    assert "its band has no width" not in what_stays(some, "outcome")
    assert "its band has no width" in what_stays(none, "outcome")


def test_bands_are_the_deciles_of_the_trials_and_a_missing_department_is_empty() -> None:
    trials = [
        [
            Outcome(2025, None, 100 + number, number, 5, 1000.0 * (100 + number)),
            *([Outcome(2025, "Sales", 10, 1, 2, 500.0)] if number % 2 else []),
        ]
        for number in range(11)
    ]
    found = {(band.department, band.measure): band for band in bands_of(trials)}
    assert len(found) == 2 * len(MEASURES)
    everybody = found[None, "headcount"]
    assert (everybody.p10, everybody.p50, everybody.p90) == (101, 105, 109)
    assert found[None, "mean_pay"].p50 == 1000
    assert everybody.covers(101)
    assert not everybody.covers(100.5)
    sales = found["Sales", "headcount"]
    assert (sales.p10, sales.p50, sales.p90) == (0, 0, 10)
    assert found["Sales", "mean_pay"].p10 == 50


def test_the_page_has_the_bands_of_everybody_and_of_departments(tmp_path: Path) -> None:
    trials = [
        [
            Outcome(year, department, people + number, 9, 5, 1e5 * people)
            for year in (2025, 2026)
            for department, people in ((None, 12_000), ("Sales & <more>", 600))
        ]
        for number in range(11)
    ]
    ranges = ScenarioRanges(
        scenario_id="baseline",
        settings=load_scenario("baseline"),
        growth="target",
        years=range(2025, 2027),
        seeds=range(42, 53),
        bands=bands_of(trials),
    )
    page = write_ranges([ranges], tmp_path)
    text = page.read_text(encoding="utf-8")
    assert "80 % of 11 runs of baseline employ 12,001 to 12,009 people and pay" in text
    assert "<td>12,001</td><td><strong>12,005</strong></td><td>12,009</td>" in text
    assert "<td>1,200.0</td>" in text, "payroll in million"
    assert "Sales &amp; &lt;more&gt;" in text
    assert text.count("<svg") == len(MEASURES)
    assert ranges.as_document()["bands"][0]["p50"] == 12_005
    assert page.name in (tmp_path / "index.html").read_text(encoding="utf-8")
