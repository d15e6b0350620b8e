"""The hazards of the seeds show in who leaves and who is promoted, within sampling error."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from shared_lib.dbt.project import PROJECT_DIRECTORY

EMPLOYEES = 100_000

# A band is left out below so many expected events: the normal approximation is poor there.
FEWEST_EXPECTED = 30
# Standard errors. Among the 50 comparisons below, one beyond 4 happens once in 300 seeds.
MOST_ERRORS = 4.0


@pytest.fixture(scope="module")
def first_year(statements: tuple[Statement, ...], census: Path) -> pd.DataFrame:
    """The employees of 2025 with the bands and hazards found anew from the seed files."""
    with simulate(
        [statement for statement in statements if statement.year in (None, 2025)],
        census=census,
        settings=settings_with(),
        employees=EMPLOYEES,
    ) as warehouse:
        rows = warehouse.sql(
            "select * from intermediate.int_employee_years where not is_new_hire"
        ).df()
    rows["age"] = 2024 - rows.birth_date.dt.year
    rows["tenure"] = 2024 - rows.hire_date.dt.year
    for value, seed in (("age", "age_bands"), ("tenure", "tenure_bands")):
        bands = read(seed)
        position = np.searchsorted(bands[f"min_{value}"], rows[value], side="right") - 1
        rows[f"{value}_band"] = bands[f"{value}_band"].to_numpy()[position]
    return rows


def read(seed: str) -> pd.DataFrame:
    return pd.read_csv(PROJECT_DIRECTORY / "seeds" / f"{seed}.csv")


def multiplier(seed: str, band: str, values: pd.Series) -> pd.Series:
    return values.map(read(seed).set_index(band)["multiplier"])


def within_sampling_error(
    rows: pd.DataFrame, chance: pd.Series, happened: pd.Series, band: str
) -> None:
    for name, index in rows.groupby(band).groups.items():
        expected = chance[index].sum()
        error = np.sqrt((chance[index] * (1 - chance[index])).sum())
        if expected < FEWEST_EXPECTED:
            continue
        observed = happened[index].sum()
        assert abs(observed - expected) <= MOST_ERRORS * error, (band, name, observed, expected)


@pytest.mark.parametrize("band", ["age_band", "tenure_band", "opening_level"])
def test_terminations_are_in_proportion_to_the_hazards(first_year: pd.DataFrame, band: str) -> None:
    weight = (
        multiplier("termination_hazard_by_age", "age_band", first_year.age_band)
        * multiplier("termination_hazard_by_tenure", "tenure_band", first_year.tenure_band)
        * multiplier("termination_hazard_by_level", "level", first_year.opening_level)
    )
    # those of 75 or more retire, whatever their hazard
    first_year = first_year[first_year.age < 75]
    weight = weight[first_year.index]
    retired = EMPLOYEES - len(first_year)
    happened = first_year.termination_date.notna()
    assert happened.sum() == EMPLOYEES * 0.12 - retired
    # The threshold t at which the chances 1 - exp(-weight t) add up to those who left.
    low, high = 0.0, 100.0
    for _ in range(80):
        middle = (low + high) / 2
        if (1 - np.exp(-weight * middle)).sum() < happened.sum():
            low = middle
        else:
            high = middle
    chance = 1 - np.exp(-weight * low)
    assert np.allclose(first_year.termination_probability, chance, atol=0.002)
    within_sampling_error(first_year, chance, happened, band)
    # A sampler without hazards would be far outside, so the comparison can fail.
    alike = pd.Series(happened.mean(), index=first_year.index)
    with pytest.raises(AssertionError):
        within_sampling_error(first_year, alike, happened, band)


def test_terminations_of_a_department_are_in_proportion_to_its_factor(
    first_year: pd.DataFrame, statements: tuple[Statement, ...], census: Path
) -> None:
    factors = {"Engineering": 3.0, "Nowhere": 9.0}
    assert "Engineering" in set(first_year.department)
    with simulate(
        [statement for statement in statements if statement.year in (None, 2025)],
        census=census,
        settings=settings_with(workforce={"leaving_by_department": factors}),
        employees=EMPLOYEES,
    ) as warehouse:
        rows = warehouse.sql(
            "select employee_id, department, termination_probability, termination_date "
            "from intermediate.int_employee_years where not is_new_hire"
        ).df()
    both = rows.merge(first_year[["employee_id", "termination_probability"]], on="employee_id")
    both = both[both.termination_probability_y < 1]  # the others retire
    hazards = np.log1p(-both.termination_probability_x) / np.log1p(-both.termination_probability_y)
    engineers = both.department == "Engineering"
    assert np.allclose(hazards[engineers] / hazards[~engineers].mean(), 3)
    within_sampling_error(
        both, both.termination_probability_x, both.termination_date.notna(), "department"
    )


def test_hires_join_a_department_in_proportion_to_its_factor(
    statements: tuple[Statement, ...], census: Path
) -> None:
    factors = {"Engineering": 3.0, "Sales": 0.2, "Nowhere": 9.0}
    with simulate(
        [statement for statement in statements if statement.year in (None, 2025)],
        census=census,
        settings=settings_with(hiring={"hiring_by_department": factors}),
        employees=EMPLOYEES,
    ) as warehouse:
        counts: dict[str, tuple[int, int]] = {
            department: (templates, hires)
            for department, templates, hires in warehouse.execute(
                "select department, count(*), any_value(hires) "
                "from intermediate.int_hire_templates left join ("
                "select department, count(*) as hires from intermediate.int_new_hires group by all"
                ") using (department) group by department"
            ).fetchall()
        }
    weights = {name: count[0] * factors.get(name, 1) for name, count in counts.items()}
    everybody = sum(hires for _, hires in counts.values())
    chi_square = 0.0
    for name, weight in weights.items():
        expected = everybody * weight / sum(weights.values())
        chi_square += (counts[name][1] - expected) ** 2 / expected
    assert {"Engineering", "Sales"} <= counts.keys()
    assert chi_square < 40, "of fewer than 15 degrees of freedom"


@pytest.mark.parametrize("band", ["age_band", "tenure_band", "opening_level"])
def test_promotions_are_in_proportion_to_the_hazards(first_year: pd.DataFrame, band: str) -> None:
    eligible = first_year[
        (first_year.tenure >= 1)
        & (first_year.age < 65)
        & (first_year.opening_level < 5)
        & ~(first_year.termination_date < pd.Timestamp("2025-02-01"))
    ]
    chance = (
        0.04
        * multiplier("promotion_hazard_by_level", "level", eligible.opening_level)
        * multiplier("promotion_hazard_by_age", "age_band", eligible.age_band)
        * multiplier("promotion_hazard_by_tenure", "tenure_band", eligible.tenure_band)
    )
    happened = eligible.promotion_date.notna()
    assert happened.sum() == first_year.promotion_date.notna().sum()
    within_sampling_error(eligible, chance, happened, band)
    alike = pd.Series(happened.mean(), index=eligible.index)
    with pytest.raises(AssertionError):
        within_sampling_error(eligible, alike, happened, band)


def test_raises_spend_the_merit_budget(first_year: pd.DataFrame) -> None:
    # a completed year on the raise date takes the hire a year before it
    long_enough = first_year.hire_date <= pd.Timestamp("2024-07-15")
    raised = first_year[first_year.raise_date.notna() & long_enough]
    before = raised.compensation_after_promotion.astype(float)
    after = raised.annual_compensation.astype(float)
    assert (after.sum() / before.sum() - 1) == pytest.approx(0.04 + 0.025, abs=1e-7)
    merits = raised.level.map(read("merit_rates").set_index("level")["merit_rate"])
    scale = 0.04 * before.sum() / (before * merits).sum()
    expected = (before * (1 + merits * scale + 0.025)).round(2)
    assert np.abs(after - expected).max() <= 0.011
    others = first_year[first_year.raise_date.notna() & ~long_enough]
    grown = others.compensation_after_promotion.astype(float) * 1.025
    assert len(others)
    assert np.abs(others.annual_compensation.astype(float) - grown).max() <= 0.011
