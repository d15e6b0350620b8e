"""Departments, or job families, with a growth of their own end each year on it, and the others on
what is left."""

from collections import Counter
from collections.abc import Mapping
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.replay import settings_with, simulate

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings
from simulation.state.runs import YearRefusedError

YEARS = range(2025, 2028)
EMPLOYEES = 300
Statements = tuple[Statement, ...]
# the name of all departments or job families without a growth of their own
OTHERS = ""
ORDINARY = ("experienced_termination", "retirement")


def millionths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda value: value / 1e6)


# Others are left at every growth: these are a fifth of the census, or three tenths.
NAMES = {
    "department": ["Sales", "Legal", "Human Resources"],
    "job_family": ["Engineers", "Clerks"],
}
OWN_GROWTHS = st.sampled_from(sorted(NAMES)).flatmap(
    lambda unit: st.dictionaries(
        st.sampled_from(NAMES[unit]),
        st.one_of(
            millionths(-0.5, 0.3),
            st.fixed_dictionaries(dict.fromkeys(YEARS, millionths(-0.5, 0.3))),
        ),
        min_size=1,
    ).map(lambda own: {f"growth_by_{unit}": own})
)
SCENARIOS = st.builds(
    lambda own, growth, leaving, new_leaving, seed, order, first: settings_with(
        simulation={
            "target_growth_rate": growth,
            **own,
            "random_seed": seed,
            "end_year": YEARS[-1],
        },
        workforce={
            "experienced_termination_rate": leaving,
            "new_hire_termination_rate": new_leaving,
            "leaving_by_department": {"Sales": 3.0},
            "reduction_order": order,
            "reduction_departments": first,
        },
        hiring={"hiring_by_job_family": {"Engineers": 5.0}},
    ),
    own=OWN_GROWTHS,
    growth=millionths(-0.1, 0.3),
    leaving=millionths(0, 0.9),
    new_leaving=millionths(0, 0.9),
    seed=st.integers(0, 2**40),
    order=st.sampled_from(["least_tenure", "lowest_level", "hazard"]),
    first=st.sampled_from([[], ["Operations", "Sales"]]),
)


def ledger_of(
    statements: Statements, census: Path, scenario: ScenarioSettings, employees: int = EMPLOYEES
) -> pd.DataFrame:
    with simulate(
        [one for one in statements if one.year in (None, *YEARS)],
        census=census,
        settings=scenario,
        employees=employees,
    ) as warehouse:
        return warehouse.sql("from intermediate.int_employee_years").df()


@settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(scenario=SCENARIOS, employees=st.integers(200, 1200))
def test_each_unit_ends_on_its_target_by_its_own_hires_and_reductions(
    statements: Statements, census: Path, scenario: ScenarioSettings, employees: int
) -> None:
    ledger = ledger_of(statements, census, scenario, employees)
    own = scenario.simulation.growth_by_unit
    units = ledger[scenario.simulation.growing_units]
    ledger["unit"] = units.where(units.isin(list(own)), OTHERS)
    first = ledger[(ledger.simulation_year == YEARS[0]) & ~ledger.is_new_hire]
    opening = Counter(first.unit)
    start = Counter(opening)
    for year in YEARS:
        rows = ledger[ledger.simulation_year == year]
        targets = targets_by_words(scenario, opening, year)
        assert Counter(rows.unit[~rows.is_new_hire]) == +start
        assert Counter(rows.unit[rows.termination_date.isna()]) == +Counter(targets)
        for unit, target in targets.items():
            people = rows[rows.unit == unit]
            expected = movements_by_words(people, start[unit], target, scenario)
            found = {
                "hires": int(people.is_new_hire.sum()),
                "leave_again": int((people.termination_category == "new_hire_termination").sum()),
                "reductions": int((people.termination_category == "reduction_in_force").sum()),
            }
            assert found == expected, (year, unit)
            numbers = sorted(people.employee_id[people.is_new_hire])
            named = f"{unit}-" if unit else ""
            assert numbers == sorted(
                f"NH-{year}-{named}{number:06}" for number in range(1, len(numbers) + 1)
            )
        start = Counter(targets)


def targets_by_words(
    scenario: ScenarioSettings, opening: Mapping[str, int], year: int
) -> dict[str, int]:
    def grown(number: int, rates: Any) -> int:
        value = Decimal(number)
        for each in range(YEARS[0], year + 1):
            value *= 1 + Decimal(str(rates[each] if isinstance(rates, Mapping) else rates))
        return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))

    simulation = scenario.simulation
    total = grown(sum(opening.values()), simulation.target_growth_rate)
    named = {unit: grown(opening[unit], rates) for unit, rates in simulation.growth_by_unit.items()}
    return {**named, OTHERS: total - sum(named.values())}


def movements_by_words(
    people: pd.DataFrame, start: int, target: int, scenario: ScenarioSettings
) -> dict[str, int]:
    ordinary = people.termination_category.isin(ORDINARY)
    needed = target - (start - int(ordinary.sum()))
    staying = 1 - Decimal(str(scenario.workforce.new_hire_termination_rate))
    hires = int((needed / staying).quantize(Decimal(1), rounding=ROUND_CEILING))
    if needed <= 0:
        return {"hires": 0, "leave_again": 0, "reductions": -needed}
    return {"hires": hires, "leave_again": hires - needed, "reductions": 0}


def with_growth(**own: Any) -> ScenarioSettings:
    return settings_with(simulation={"growth_by_department": own, "end_year": YEARS[-1]})


def test_another_growth_of_a_department_moves_nobody_who_joins_elsewhere(
    statements: Statements, census: Path
) -> None:
    columns = ["employee_id", "hire_date", "birth_date", "level", "opening_compensation"]
    slow, fast = (
        ledger_of(statements, census, with_growth(Sales=sales, Legal=0.5)).query("is_new_hire")
        for sales in (0.05, 0.3)
    )
    slow, fast = (frame[frame.simulation_year == YEARS[0]] for frame in (slow, fast))
    for unit in ("Sales", "Legal"):
        one, other = (
            frame[frame.department == unit][columns]
            .sort_values("employee_id")
            .reset_index(drop=True)
            for frame in (slow, fast)
        )
        assert len(one) > 0
        assert len(other) > len(one) if unit == "Sales" else len(other) == len(one)
        # more growth adds hires and changes none
        pd.testing.assert_frame_equal(other[: len(one)], one)


def test_reductions_of_a_department_follow_the_order_within_it(
    statements: Statements, census: Path
) -> None:
    scenario = settings_with(
        simulation={"growth_by_department": {"Sales": -0.4}, "end_year": YEARS[-1]},
        workforce={"reduction_order": "least_tenure", "experienced_termination_rate": 0.05},
    )
    ledger = ledger_of(statements, census, scenario)
    sales = ledger.query("department == 'Sales' and not is_new_hire and simulation_year == 2025")
    reduced = sales[sales.termination_category == "reduction_in_force"]
    kept = sales[sales.termination_category.isna()]
    assert len(reduced) > 2
    assert reduced.hire_date.min() >= kept.hire_date.max()
    others = ledger.query("department != 'Sales' and simulation_year == 2025")
    assert not (others.termination_category == "reduction_in_force").any()
    assert others.is_new_hire.any()


def test_reductions_come_from_the_named_families_first_within_the_order_of_departments(
    statements: Statements, census: Path
) -> None:
    scenario = settings_with(
        simulation={"target_growth_rate": -0.4, "end_year": YEARS[-1]},
        workforce={
            "reduction_departments": ["Operations"],
            "reduction_job_families": ["Clerks", "Nurses"],
            "experienced_termination_rate": 0.05,
        },
    )
    rows = ledger_of(statements, census, scenario).query("not is_new_hire")
    # two years, of which the first takes a part of Operations and the second what goes beyond it
    for year in YEARS[:2]:
        staying = rows[(rows.simulation_year == year) & ~rows.termination_category.isin(ORDINARY)]
        reduced = staying.termination_category == "reduction_in_force"
        order = pd.Series(
            [
                (department != "Operations", {"Clerks": 0, "Nurses": 1}.get(str(family), 2))
                for department, family in zip(staying.department, staying.job_family, strict=True)
            ]
        )
        assert reduced.any()
        assert order[reduced.array].max() <= order[~reduced.array].min()


def test_a_known_hire_takes_a_place_of_its_family_and_one_without_of_the_others(
    statements: Statements, census: Path, tmp_path: Path
) -> None:
    path = tmp_path / "known.csv"
    header = "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,job_family"
    lines = [
        *(f"join,E-{number},2025-03-15,Legal,2,90000,,,Engineers" for number in range(30)),
        "join,X-1,2025-03-15,Legal,2,90000,,,",
        "opening,REQ-1,2025-02-01,Sales,1,,1,30,Clerks",
    ]
    path.write_text("\n".join([header, *lines]), "utf-8")
    scenario = settings_with(
        simulation={
            "growth_by_job_family": {"Engineers": 0.05, "Clerks": 0.2},
            "end_year": YEARS[-1],
        },
        workforce={"known_events": str(path)},
    )
    rows = ledger_of(statements, census, scenario).query("simulation_year == 2025")
    joined = rows[rows.is_new_hire].set_index("employee_id").job_family
    # more than the family needs: nobody else is hired for it, and so many more of it leave
    assert set(joined[joined == "Engineers"].index) == {f"E-{number}" for number in range(30)}
    left = rows[rows.termination_category == "reduction_in_force"]
    assert set(left.job_family) == {"Engineers"}
    assert joined["X-1"] not in ("Engineers", "Clerks")
    assert joined["REQ-1"] == "Clerks"
    path.write_text("\n".join([header, *(lines[0].replace("E-0", f"E-{n}") for n in range(99))]))
    with pytest.raises(ConfigurationError, match="event: 99 join Engineers in 2025, allowed are"):
        ledger_of(statements, census, scenario)


def test_known_joiners_and_transfers_count_for_the_department_they_come_to(
    statements: Statements, census: Path, tmp_path: Path
) -> None:
    first = ledger_of(statements, census, with_growth(Legal=0.0))
    movers = first.query(
        "simulation_year == 2027 and department == 'Operations' and termination_date.isna() "
        "and hire_date < '2024'"
    ).employee_id[:4]
    legal = len(
        first.query("simulation_year == 2025 and department == 'Legal' and not is_new_hire")
    )
    leaver = first.query(
        "simulation_year == 2027 and department == 'Legal' and hire_date < '2024'"
    ).employee_id.iloc[0]
    lines = [
        *(f"transfer,{mover},2025-09-01,Legal,,,,," for mover in movers),
        f"transfer,{leaver},2026-03-01,Sales,,,,,",
        *(f"join,J-{number},2026-03-15,Legal,2,90000,,," for number in range(legal)),
        "join,J-X,2026-03-15,Finance,2,90000,,,",
        *(f"opening,REQ-{number},2027-02-01,Sales,1,,1,30," for number in range(2)),
    ]
    scenario = events(tmp_path, lines, {"Legal": 0.0, "Sales": 0.2})
    ledger = ledger_of(statements, census, scenario)
    for year in YEARS:
        ended = ledger[(ledger.simulation_year == year) & ledger.termination_date.isna()]
        assert (ended.department == "Legal").sum() == legal
    rows = ledger[ledger.simulation_year == 2026]
    joined = rows[rows.employee_id.str.startswith("J-")]
    assert len(joined) == legal + 1
    assert joined.termination_date.isna().all()
    # nobody else is hired for the department, and all who were there make room
    assert set(rows[rows.is_new_hire & (rows.department == "Legal")].employee_id) == {
        f"J-{number}" for number in range(legal)
    }
    before = rows[(rows.department == "Legal") & ~rows.is_new_hire]
    assert before.termination_date.notna().all()
    filled = ledger[ledger.employee_id.str.startswith("REQ-") & ledger.is_new_hire]
    assert set(filled.department) == {"Sales"}
    assert len(filled) == 2


def events(folder: Path, lines: list[str], own: dict[str, float]) -> ScenarioSettings:
    path = folder / "known.csv"
    header = "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,reason"
    path.write_text("\n".join([header, *lines]), "utf-8")
    return settings_with(
        simulation={"growth_by_department": own, "end_year": YEARS[-1]},
        workforce={"known_events": str(path)},
    )


def test_the_sum_is_the_target_where_every_department_has_its_own(
    statements: Statements, census: Path
) -> None:
    plain = ledger_of(statements, census, with_growth())
    opening = Counter(plain.query("simulation_year == 2025 and not is_new_hire").department)
    own = {name: 0.1 if number % 2 else -0.1 for number, name in enumerate(sorted(opening))}
    with simulate(
        [one for one in statements if one.year in (None, *YEARS)],
        census=census,
        settings=with_growth(**own),
        employees=EMPLOYEES,
    ) as warehouse:
        found = warehouse.sql(
            "select end_headcount, target_headcount, growth_rate, target_growth_rate "
            "from marts.fct_year_summary order by simulation_year"
        ).fetchall()
    for year, (ended, target, growth, growth_target) in zip(YEARS, found, strict=True):
        targets = targets_by_words(with_growth(**own), opening, year)
        del targets[OTHERS]
        assert ended == target == sum(targets.values())
        assert growth == pytest.approx(growth_target, abs=1e-6)


def test_a_growth_that_cannot_be_is_refused_with_the_reason(
    statements: Statements, census: Path, tmp_path: Path
) -> None:
    with pytest.raises(YearRefusedError) as unknown:
        ledger_of(statements, census, with_growth(Salse=0.1))
    assert "simulation.growth_by_department.Salse: unknown department, got 'Salse', allowed" in str(
        unknown.value
    )
    assert str(unknown.value).endswith("; did you mean 'Sales'?")
    families = settings_with(simulation={"growth_by_job_family": {"Nurse": 0.1}})
    with pytest.raises(YearRefusedError) as unknown:
        ledger_of(statements, census, families)
    assert str(unknown.value) == (
        "simulation.growth_by_job_family.Nurse: unknown job family, got 'Nurse', allowed is one "
        "of: Clerks, Engineers, Nurses; did you mean 'Nurses'?"
    )
    first = settings_with(workforce={"reduction_job_families": ["Pilots"]})
    with pytest.raises(
        YearRefusedError, match="reduction_job_families: unknown job family, got 'P"
    ):
        ledger_of(statements, census, first)
    both = {"growth_by_job_family": {"Nurses": 0.1}, "growth_by_department": {"Sales": 0.1}}
    with pytest.raises(ConfigurationError, match="are both given, allowed is one of them"):
        settings_with(simulation=both)
    with pytest.raises(
        YearRefusedError, match="Operations are to have 247 employees at the end of 2026"
    ):
        ledger_of(
            statements,
            census,
            settings_with(
                simulation={
                    "target_growth_rate": -0.4,
                    "growth_by_department": {"Sales": 0.5, "Operations": 0.5},
                }
            ),
        )
    lines = [f"join,J-{number},2026-03-15,Legal,2,90000,,," for number in range(50)]
    with pytest.raises(
        ConfigurationError, match="51: event: 50 join Legal in 2026, allowed are at most the"
    ):
        ledger_of(statements, census, events(tmp_path, lines, {"Legal": 0.0}))
