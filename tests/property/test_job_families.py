"""Job families: they stay with people, what they have acts on them alone, and they add up."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.replay import settings_with, simulate

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.compiled import Statement
from simulation.config.tables import seed_rows
from simulation.state.runs import YearRefusedError

Statements = tuple[Statement, ...]
Ledgers = Callable[..., pd.DataFrame]
Changes = Mapping[str, dict[str, Any]]
YEARS = range(2025, 2028)
EMPLOYEES = 400
FAMILIES = ("Nurses", "Engineers", "Clerks")

few_examples = settings(
    max_examples=4,
    deadline=None,
    # an example takes a second: shrinking one would take minutes and say no more
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
SEEDS = st.integers(0, 2**40)
GROWTH = st.integers(-300_000, 300_000).map(lambda value: value / 1e6)
MERIT_RATES = {int(row["level"]): float(row["merit_rate"]) for row in seed_rows("merit_rates")}
FACTORS = st.floats(0.01, 50).map(lambda value: round(value, 3))


def by_family(values: st.SearchStrategy[float]) -> st.SearchStrategy[dict[str, Any]]:
    departments = st.dictionaries(st.sampled_from(["Sales", "Operations", "*"]), values, min_size=1)
    return st.dictionaries(st.sampled_from(FAMILIES), st.one_of(values, departments), min_size=1)


@pytest.fixture(scope="module")
def ledgers(statements: Statements, census: Path) -> Ledgers:
    """Simulates a small workforce and returns what ``query`` finds, by default its ledger."""

    def ledger(
        changes: Changes,
        *,
        employees: int = EMPLOYEES,
        years: range = YEARS,
        after: Callable[[duckdb.DuckDBPyConnection, str], None] | None = None,
        query: str = "from intermediate.int_employee_years order by simulation_year, employee_id",
    ) -> pd.DataFrame:
        simulation = {"end_year": years[-1], **changes.get("simulation", {})}
        with simulate(
            [one for one in statements if one.year in (None, *years)],
            census=census,
            settings=settings_with(**{**changes, "simulation": simulation}),
            employees=employees,
            after=after,
        ) as warehouse:
            return warehouse.sql(query).df()

    return ledger


def forget(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
    if node == "census":
        warehouse.execute("update raw.baseline_workforce_validated set job_family = null")


def value_of(rates: Mapping[str, Any], family: object, department: object, none: float) -> float:
    """That of the family in the department, else of the family, else none."""
    of_family = rates.get(str(family), none)
    if isinstance(of_family, Mapping):
        return of_family.get(str(department), of_family.get("*", none))
    return of_family


def values_of(rates: Mapping[str, Any], people: pd.DataFrame, none: float) -> pd.Series:
    pairs = zip(people.job_family, people.department, strict=True)
    return pd.Series([value_of(rates, *pair, none) for pair in pairs], index=people.index)


SAME = ["fingerprint", "scenario_id"]


@few_examples
@given(seed=SEEDS, growth=GROWTH)
def test_without_job_families_nothing_else_differs(
    ledgers: Ledgers, seed: int, growth: float
) -> None:
    changes = {"simulation": {"random_seed": seed, "target_growth_rate": growth}}
    with_families = ledgers(changes)
    without = ledgers(changes, after=forget)
    assert without.job_family.isna().all()
    assert set(with_families.job_family.dropna()) == {*FAMILIES}
    other = [*SAME, "job_family"]
    pd.testing.assert_frame_equal(with_families.drop(columns=other), without.drop(columns=other))


@few_examples
@given(seed=SEEDS, growth=GROWTH, leaving=by_family(FACTORS), hiring=by_family(FACTORS))
def test_headcounts_add_up_and_families_stay(
    ledgers: Ledgers, seed: int, growth: float, leaving: Any, hiring: Any
) -> None:
    changes = {
        "simulation": {"random_seed": seed, "target_growth_rate": growth},
        "workforce": {"leaving_by_job_family": leaving},
        "hiring": {"hiring_by_job_family": hiring},
    }
    rows = ledgers(
        changes,
        query="select ledger.*, mart.* exclude (scenario_id, simulation_year, job_family), "
        "year.end_headcount as everybody from intermediate.int_employee_years as ledger "
        "inner join marts.fct_job_family_summary as mart on "
        "ledger.simulation_year = mart.simulation_year "
        "and coalesce(ledger.job_family, 'Not stated') = mart.job_family "
        "inner join marts.fct_year_summary as year "
        "on ledger.simulation_year = year.simulation_year",
    )
    assert not rows.drop_duplicates(["employee_id", "job_family"]).employee_id.duplicated().any()
    rows["is_active"] = rows.termination_date.isna()
    before: dict[str, int] = {}
    for year, of_year in rows.groupby("simulation_year"):
        ended = {}
        for family, people in of_year.fillna({"job_family": "none"}).groupby("job_family"):
            mart = people.iloc[0]
            assert mart.start_headcount == (~people.is_new_hire).sum()
            assert mart.hires == people.is_new_hire.sum()
            left = people.termination_category.value_counts()
            assert mart.new_hire_terminations == left.get("new_hire_termination", 0)
            assert mart.reductions_in_force == left.get("reduction_in_force", 0)
            gone = mart.experienced_terminations + left.get("reduction_in_force", 0)
            gone += left.get("new_hire_termination", 0)
            ended[family] = people.is_active.sum()
            assert mart.end_headcount == ended[family] == len(people) - gone
            assert mart.start_headcount + mart.hires - gone == mart.end_headcount
            assert float(mart.end_payroll) == pytest.approx(
                people[people.is_active].annual_compensation.astype(float).sum()
            )
            if year > YEARS[0]:
                assert mart.start_headcount == before.get(family, 0)
        assert sum(ended.values()) == of_year.everybody.iloc[0]
        before = ended


@few_examples
@given(seed=SEEDS, leaving=by_family(FACTORS))
def test_leaving_is_in_proportion_to_the_factor_of_family_and_department(
    ledgers: Ledgers, seed: int, leaving: Any
) -> None:
    """The hazards differ from those without by the factor, and all else stays in the first year."""

    def first_year(**workforce: Any) -> pd.DataFrame:
        changes = {
            "simulation": {"random_seed": seed},
            "workforce": {"leaving_by_department": {"Sales": 2.0}, **workforce},
        }
        rows = ledgers(changes, years=range(2025, 2026))
        return rows[~rows.is_new_hire & (rows.opening_age < 75)].set_index("employee_id")

    plain, own = first_year(), first_year(leaving_by_job_family=leaving)
    ratio = np.log1p(-own.termination_probability) / np.log1p(-plain.termination_probability)
    factors = values_of(leaving, plain, 1.0)
    # one threshold for all is what the plan makes of it
    assert np.allclose(ratio / factors, (ratio / factors).iloc[0], rtol=1e-6)
    assert own.termination_date.notna().sum() == plain.termination_date.notna().sum()
    assert own.job_family.equals(plain.job_family)


@few_examples
@given(seed=SEEDS, family=st.sampled_from(FAMILIES), low=FACTORS, more=FACTORS)
def test_leavers_of_a_family_are_nested(
    ledgers: Ledgers, seed: int, family: str, low: float, more: float
) -> None:
    """A higher factor keeps the leavers of the family and takes others from the rest alone."""

    def leavers(factor: float) -> pd.DataFrame:
        changes = {
            "simulation": {"random_seed": seed},
            "workforce": {"leaving_by_job_family": {family: factor}, "retirement": []},
        }
        rows = ledgers(changes, years=range(2025, 2026))
        return rows[rows.termination_date.notna() & ~rows.is_new_hire]

    before, after = leavers(low), leavers(min(1000.0, round(low + more, 3)))

    def of(rows: pd.DataFrame, *, inside: bool) -> set[str]:
        return set(rows.employee_id[(rows.job_family == family) == inside])

    assert of(before, inside=True) <= of(after, inside=True)
    assert of(after, inside=False) <= of(before, inside=False)


@few_examples
@given(seed=SEEDS, hiring=by_family(FACTORS))
def test_hiring_by_family_moves_the_family_of_hires_alone(
    ledgers: Ledgers, seed: int, hiring: Any
) -> None:
    base = {"simulation": {"random_seed": seed}}
    plain = ledgers(base)
    own = ledgers({**base, "hiring": {"hiring_by_job_family": hiring}})
    other = [*SAME, "job_family"]
    pd.testing.assert_frame_equal(plain.drop(columns=other), own.drop(columns=other))
    in_census = ~plain.employee_id.str.startswith("NH-")
    pd.testing.assert_series_equal(plain.job_family[in_census], own.job_family[in_census])


@few_examples
@given(seed=SEEDS, cola=by_family(st.floats(-0.02, 0.2).map(lambda value: round(value, 4))))
def test_raises_of_families_are_computed_another_way(
    ledgers: Ledgers, seed: int, cola: Any
) -> None:
    def year(**compensation: Any) -> pd.DataFrame:
        changes = {"simulation": {"random_seed": seed}, "compensation": compensation}
        return ledgers(changes, years=range(2025, 2026))

    common = {"cola_rate": 0.03, "cola_by_department": {"Sales": 0.01}, "merit_budget": 0.0}
    plain, own = year(**common), year(**common, cola_by_job_family=cola)
    pay = ["annual_compensation", "prorated_compensation"]
    pd.testing.assert_frame_equal(
        plain.drop(columns=[*SAME, *pay]), own.drop(columns=[*SAME, *pay])
    )
    rate = 0.03 + 0.01 * (own.department == "Sales") + values_of(cola, own, 0.0)
    rate = rate.clip(lower=0) * own.raise_date.notna()
    expected = own.compensation_after_promotion.astype(float) * (1 + rate)
    assert np.abs(expected - own.annual_compensation.astype(float)).max() <= 0.0051


@few_examples
@given(seed=SEEDS, merit=by_family(st.floats(-0.1, 0.2).map(lambda value: round(value, 4))))
def test_merits_of_departments_and_families_come_on_top_of_the_budget(
    ledgers: Ledgers, seed: int, merit: Any
) -> None:
    """Those without points have the merit that they had, and nobody one below 0."""

    def year(**compensation: Any) -> pd.DataFrame:
        changes = {"simulation": {"random_seed": seed}, "compensation": compensation}
        return ledgers(changes, years=range(2025, 2026))

    common = {"cola_rate": 0.0, "cola_minimum_tenure": 50, "merit_budget": 0.03}
    points = {"Sales": -0.01, "Operations": 0.015}
    plain = year(**common)
    own = year(**common, merit_by_department=points, merit_by_job_family=merit)
    pay = ["annual_compensation", "prorated_compensation"]
    pd.testing.assert_frame_equal(
        plain.drop(columns=[*SAME, *pay]), own.drop(columns=[*SAME, *pay])
    )
    before = own.compensation_after_promotion.astype(float)
    has_merit = own.raise_date.notna()
    assert (own.annual_compensation[~has_merit] == before[~has_merit]).all()
    weights = own.level.map(MERIT_RATES)[has_merit]
    of_level = weights * 0.03 * before[has_merit].sum() / (before[has_merit] * weights).sum()
    added = own.department.map(points).fillna(0.0) + values_of(merit, own, 0.0)
    expected = before * (1 + (of_level + added[has_merit]).clip(lower=0))
    assert np.abs(expected - own.annual_compensation.astype(float)).max() <= 0.0051


def test_hires_have_the_families_of_their_department_and_level(ledgers: Ledgers) -> None:
    """Nurses are in Operations alone, and managers there are clerks."""

    def place(warehouse: duckdb.DuckDBPyConnection, node: str) -> None:
        if node == "census":
            warehouse.execute(
                "update raw.baseline_workforce_validated set job_family = case "
                "when department = 'Operations' and level > 1 then 'Clerks' "
                "when department = 'Operations' then 'Nurses' "
                "when department = 'Engineering' then 'Engineers' end"
            )

    rows = ledgers({"hiring": {"minimum_recent_joiners": 100_000}}, employees=4000, after=place)
    hires = rows[rows.is_new_hire]
    families = hires.job_family.fillna("none")
    in_operations = hires.department == "Operations"
    assert set(families[in_operations & (hires.opening_level > 1)]) == {"Clerks"}
    assert set(families[in_operations & (hires.opening_level == 1)]) == {"Nurses"}
    assert set(families[hires.department == "Engineering"]) == {"Engineers"}
    assert set(families[~hires.department.isin(["Operations", "Engineering"])]) == {"none"}


def test_hires_join_a_family_in_proportion_to_its_factor(ledgers: Ledgers) -> None:
    factors = {"Nurses": 0.25, "Clerks": {"Sales": 20.0, "*": 0.5}}
    rows = ledgers(
        {"hiring": {"hiring_by_job_family": factors, "minimum_recent_joiners": 100_000}},
        employees=20_000,
        years=range(2025, 2026),
    )
    staff, hires = rows[~rows.is_new_hire], rows[rows.is_new_hire]
    weights = values_of(factors, staff, 1.0)
    keys = [staff.department, staff.opening_level]
    of_cell = weights.groupby([*keys, staff.job_family.fillna("none")]).sum()
    shares = of_cell / of_cell.groupby(level=[0, 1]).transform("sum")
    cells = hires.groupby(["department", "opening_level"]).size()
    expected = (shares * cells.reindex(shares.index.droplevel(2)).fillna(0).array).groupby(level=2)
    expected = expected.sum()
    observed = hires.job_family.fillna("none").value_counts()
    chi_square = ((observed - expected) ** 2 / expected).sum()
    assert len(expected) == 4
    assert chi_square < 20, "of three degrees of freedom"
    alike = hires.shape[0] * staff.job_family.fillna("none").value_counts(normalize=True)
    assert ((observed - alike) ** 2 / alike).sum() > 100, "hires differ from the staff"


HEADER = "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,job_family"


def test_a_known_hire_has_the_family_of_the_file_and_a_transfer_keeps_it(
    ledgers: Ledgers, tmp_path: Path
) -> None:
    path = tmp_path / "known.csv"
    lines = [
        HEADER,
        "join,J-1,2025-03-15,Legal,2,90000,,,Engineers",
        "join,J-2,2025-03-15,Legal,2,90000,,,",
        "opening,REQ-1,2025-03-15,Legal,2,,1,30,Clerks",
        "transfer,J-1,2026-03-15,Sales,,,,,",
    ]
    path.write_text("\n".join(lines), "utf-8")
    rows = ledgers({"workforce": {"known_events": str(path)}}).set_index("employee_id")
    known = rows.loc[["J-1", "REQ-1"]].reset_index()
    assert dict(zip(known.employee_id, known.job_family, strict=True)) == {
        "J-1": "Engineers",
        "REQ-1": "Clerks",
    }
    assert set(known[known.employee_id == "J-1"].department) == {"Legal", "Sales"}
    path.write_text(path.read_text("utf-8").replace("Engineers", "Enginers"), "utf-8")
    with pytest.raises(ConfigurationError) as refused:
        ledgers({"workforce": {"known_events": str(path)}})
    assert str(refused.value) == (
        f"{path}:2: job_family: unknown job family, got 'Enginers', allowed is one of: Clerks, "
        "Engineers, Nurses; did you mean 'Engineers'?"
    )


@pytest.mark.parametrize(
    ("section", "field", "value", "says"),
    [
        (
            "workforce",
            "leaving_by_job_family",
            {"Nurse": 2.0},
            "workforce.leaving_by_job_family.Nurse: unknown job family, got 'Nurse', allowed is "
            "one of: Clerks, Engineers, Nurses; did you mean 'Nurses'?",
        ),
        (
            "compensation",
            "cola_by_job_family",
            {"Nurses": {"Sale": 0.01}},
            "compensation.cola_by_job_family.Nurses: unknown department, got 'Sale', allowed is "
            "one of: ",
        ),
        (
            "hiring",
            "hiring_by_job_family",
            {"Pilots": 2.0},
            "hiring.hiring_by_job_family.Pilots: unknown job family, got 'Pilots', allowed is "
            "one of: Clerks, Engineers, Nurses",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_what_is_allowed(
    ledgers: Ledgers, section: str, field: str, value: Any, says: str
) -> None:
    with pytest.raises(YearRefusedError) as refused:
        ledgers({section: {field: value}})
    assert says in str(refused.value)
    with pytest.raises(YearRefusedError) as refused:
        ledgers({section: {field: value}}, after=forget)
    assert "but the census has none: map a column of it to job_family" in str(refused.value)
