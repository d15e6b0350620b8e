"""Total cost and the retirement plan, recomputed employee by employee without SQL."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.replay import LEDGER_DIGEST, settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.config.settings import ScenarioSettings
from simulation.report.cost.figures import read_costs, read_plan
from simulation.state.cost_rates import record_cost_rates
from simulation.state.identity import identity_of

YEARS = range(2025, 2028)
CENT = Decimal("0.01")
BONUS = Decimal("0.0375")
# so that some are below and some above each bound
COST = {
    "employer_taxes": [
        {"name": "pension", "rate": 0.062, "cap": {2025: 90_000, 2027: 95_000}},
        {"name": "health", "rate": {2025: 0.0145, 2026: 0.0165}},
        {"name": "unemployment", "rate": 0.006, "cap": 7_000},
    ],
    "benefits_per_head": 11_999.99,
    "bonus_rate": 0.0375,
    "bonus_rate_by_level": {2: 0.0825, 4: 0.15},
    "overhead_rate": 0.111111,
}
PLAN = {
    "minimum_age": 30,
    "minimum_service_days": 90,
    "enrolment_days": 45,
    "participation": 0.8,
    "deferral": [{"age": 25, "rate": 0.035}, {"age": 40, "rate": 0.0775}],
    "match": [{"up_to": 0.03, "rate": 1.0}, {"up_to": 0.06, "rate": 0.5}],
    "catch_up_age": 50,
    "limits": {
        2025: {"deferral": 8_000, "catch_up": 1_500, "pay": 120_000},
        2027: {"deferral": 8_500, "catch_up": 1_500},
    },
}


# across the days of promotion and raise, the end of the year, and of enrolments
ABSENCES = [
    ("2025-01-10", "2025-02-20", "0"),
    ("2025-07-01", "2025-07-31", "0.4"),
    ("2025-12-01", "2026-02-28", "0.25"),
    ("2026-01-01", "2027-12-31", "0"),
]


@pytest.fixture(scope="module")
def scenario(census: Path, tmp_path_factory: pytest.TempPathFactory) -> ScenarioSettings:
    people = duckdb.execute(
        "select employee_id from read_parquet(?) order by employee_id limit 600",
        [str(census)],
    ).fetchall()
    lines = [
        f"absence,{employee},{first},{last},{share}"
        for number, (employee,) in enumerate(people[::3])
        for first, last, share in [ABSENCES[number % len(ABSENCES)]]
    ]
    file = tmp_path_factory.mktemp("known") / "absences.csv"
    file.write_text("\n".join(["event,employee_id,date,last_day,paid_share", *lines]), "utf-8")
    return settings_with(
        simulation={"end_year": YEARS[-1]},
        workforce={"known_events": str(file)},
        cost=COST,
        retirement_plan=PLAN,
    )


@pytest.fixture(scope="module")
def warehouse(
    statements: tuple[Statement, ...], census: Path, scenario: ScenarioSettings
) -> Iterator[duckdb.DuckDBPyConnection]:
    of_years = [one for one in statements if one.year in (None, *YEARS)]
    with simulate(
        of_years, census=census, settings=scenario, employees=600, after=_work_part_time
    ) as made:
        yield made


def _work_part_time(connection: duckdb.DuckDBPyConnection, node: str) -> None:
    if node == "census":
        connection.execute(
            "update raw.baseline_workforce_validated set fte = 0.333333 "
            "where (md5_number(employee_id || 'fte') & 65535)::integer % 4 = 0"
        )


@dataclass(frozen=True)
class Employed:
    """An employee's year in the ledger."""

    simulation_year: int
    department: str
    is_new_hire: bool
    hire_date: date
    birth_date: date
    termination_date: date | None
    level: int
    age: int
    opening_compensation: Decimal
    compensation_after_promotion: Decimal
    annual_compensation: Decimal
    prorated_compensation: Decimal
    fte: Decimal
    absence_from: date | None
    absence_until: date | None
    absence_paid_share: Decimal | None
    number: int

    @property
    def first_day(self) -> date:
        """The first day of employment in the year."""
        return max(self.hire_date, date(self.simulation_year, 1, 1))

    @property
    def last_day(self) -> date:
        """The last day of employment in the year."""
        return self.termination_date or date(self.simulation_year, 12, 31)

    @property
    def days_employed(self) -> int:
        """The days of the year on which the employee was employed."""
        return (self.last_day - self.first_day).days + 1

    @property
    def days_paid(self) -> Decimal:
        """The days employed without the share of an absence that is not paid."""
        if self.absence_from is None or self.absence_until is None:
            return Decimal(self.days_employed)
        unpaid = 1 - (self.absence_paid_share or 0)
        return self.days_employed - unpaid * ((self.absence_until - self.absence_from).days + 1)

    def pay_from(self, first: date) -> Decimal:
        """The pay of the year from a day on, day by day."""
        begin = max(first, self.first_day)
        days = (self.last_day - begin).days + 1
        employed = [begin + timedelta(each) for each in range(days)]
        paid = sum(map(self._rate_on, employed), Decimal(0))
        absent = [day for day in employed if self._is_absent_on(day)]
        unpaid = sum(map(self._rate_on, absent), Decimal(0)) * (1 - (self.absence_paid_share or 0))
        in_year = days_in(self.simulation_year)
        return rounded(paid / in_year) - rounded(unpaid / in_year)

    def _is_absent_on(self, day: date) -> bool:
        if self.absence_from is None or self.absence_until is None:
            return False
        return self.absence_from <= day <= self.absence_until

    def _rate_on(self, day: date) -> Decimal:
        if (day.month, day.day) < (2, 1):
            return self.opening_compensation
        if (day.month, day.day) < (7, 15):
            return self.compensation_after_promotion
        return self.annual_compensation


@pytest.fixture(scope="module")
def ledger(warehouse: duckdb.DuckDBPyConnection) -> list[Employed]:
    names = [field.name for field in fields(Employed) if field.name not in {"department", "number"}]
    found = warehouse.execute(
        f"select {', '.join(names)}, coalesce(department, 'Not stated') as department, "
        "md5_number('42|' || employee_id || '|retirement_plan') & 4503599627370495 as number "
        "from intermediate.int_employee_years"
    )
    columns = [column[0] for column in found.description or ()]
    return [Employed(**dict(zip(columns, row, strict=True))) for row in found.fetchall()]


def days_in(year: int) -> int:
    return (date(year, 12, 31) - date(year - 1, 12, 31)).days


def rounded(value: Decimal) -> Decimal:
    return value.quantize(CENT, ROUND_HALF_UP)


def cost_of(row: Employed) -> dict[str, Decimal]:
    """What one employee costs in a year, without SQL."""
    pay = row.prorated_compensation
    bonus = rounded(pay * {2: Decimal("0.0825"), 4: Decimal("0.15")}.get(row.level, BONUS))
    wages = pay + bonus
    cap = Decimal(95_000 if row.simulation_year == 2027 else 90_000)
    health = Decimal("0.0145" if row.simulation_year == 2025 else "0.0165")
    taxes = (
        rounded(min(wages, cap) * Decimal("0.062")),
        rounded(wages * health),
        rounded(min(wages, Decimal(7_000)) * Decimal("0.006")),
    )
    days = row.days_employed
    return {
        "paid_compensation": pay,
        "bonuses": bonus,
        "employer_taxes": sum(taxes, Decimal(0)),
        "benefits": rounded(Decimal("11999.99") * days / days_in(row.simulation_year)),
        "retirement_match": plan_of(row)["employer_match"],
        "overhead": rounded(pay * Decimal("0.111111")),
    }


def plan_of(row: Employed, *, by_hire: bool = False) -> dict[str, Decimal]:
    """What one employee saves in a year and what the employer adds, without SQL."""
    born = row.birth_date
    leap = (born.month, born.day) == (2, 29)
    of_age = date(born.year + 30, born.month, 28 if leap else born.day)
    eligible_on = max(row.hire_date + timedelta(90), of_age)
    enrolled_on = eligible_on + timedelta(45)
    is_enrolled = enrolled_on <= row.last_day and (row.number + 0.5) / 2**52 < 0.8
    pay = savings = match = Decimal(0)
    if is_enrolled:
        pay = row.pay_from(row.hire_date if by_hire else enrolled_on)
        rate = Decimal("0.0775" if row.age >= 40 else "0.035" if row.age >= 25 else "0")
        most = (8_500 if row.simulation_year == 2027 else 8_000) + 1_500 * (row.age >= 50)
        savings = min(rounded(pay * rate), Decimal(most))
        matched = pay if row.simulation_year == 2027 else min(pay, Decimal(120_000))
        first, second = matched * Decimal("0.03"), matched * Decimal("0.06")
        match = rounded(min(savings, first) + max(Decimal(0), min(savings, second) - first) / 2)
    return {
        "eligible": Decimal(eligible_on <= row.last_day),
        "enrolled": Decimal(is_enrolled),
        "enrolled_pay": pay,
        "savings": savings,
        "employer_match": match,
    }


def summed(
    ledger: list[Employed], of_one: Callable[[Employed], dict[str, Decimal]]
) -> dict[tuple[int, str], dict[str, Decimal]]:
    """The sums of each year and department."""
    found: dict[tuple[int, str], Any] = defaultdict(lambda: defaultdict(Decimal))
    for row in ledger:
        for name, amount in of_one(row).items():
            found[row.simulation_year, row.department][name] += amount
    return {key: dict(sums) for key, sums in found.items()}


def stored(
    warehouse: duckdb.DuckDBPyConnection, mart: str, columns: Iterable[str]
) -> dict[tuple[int, str], dict[str, Any]]:
    names = list(columns)
    rows = warehouse.execute(
        f"select simulation_year, department, {', '.join(names)} from marts.{mart}"
    ).fetchall()
    return {(year, name): dict(zip(names, rest, strict=True)) for year, name, *rest in rows}


def test_total_cost_is_that_of_every_employee_to_the_cent(
    warehouse: duckdb.DuckDBPyConnection, ledger: list[Employed]
) -> None:
    expected = summed(ledger, cost_of)
    assert len(expected) > len(YEARS)
    assert stored(warehouse, "fct_total_cost", cost_of(ledger[0])) == expected
    totals = {key: {"total_cost": sum(sums.values())} for key, sums in expected.items()}
    assert stored(warehouse, "fct_total_cost", ["total_cost"]) == totals


def test_pay_is_that_of_the_days_without_what_absences_take(ledger: list[Employed]) -> None:
    assert all(row.prorated_compensation == row.pay_from(row.hire_date) for row in ledger)
    absent = [row for row in ledger if row.absence_from is not None]
    assert len({row.absence_paid_share for row in absent}) == 3
    assert len({row.simulation_year for row in absent}) == len(YEARS)
    assert any(row.termination_date == row.absence_until for row in absent)


def test_benefits_by_working_time_are_that_share_of_those_by_head(
    warehouse: duckdb.DuckDBPyConnection, ledger: list[Employed], scenario: ScenarioSettings
) -> None:
    assert scenario.cost is not None
    by_fte = scenario.cost.model_copy(update={"benefits_by": "fte"})
    changed = scenario.model_copy(update={"cost": by_fte})
    record_cost_rates(warehouse, "baseline", changed, years=YEARS)
    found = stored(warehouse, "fct_total_cost", ["benefits"])
    record_cost_rates(warehouse, "baseline", scenario, years=YEARS)

    def benefits(row: Employed) -> dict[str, Decimal]:
        whole = Decimal("11999.99") * row.days_paid * row.fte
        return {"benefits": rounded(whole / days_in(row.simulation_year))}

    assert found == summed(ledger, benefits)
    times = stored(warehouse, "fct_total_cost", ["average_fte"])
    for key, sums in summed(ledger, lambda row: {"days": row.days_paid * row.fte}).items():
        assert times[key]["average_fte"] == pytest.approx(float(sums["days"]) / days_in(key[0]))


def test_the_plan_is_that_of_every_employee_to_the_cent(
    warehouse: duckdb.DuckDBPyConnection, ledger: list[Employed]
) -> None:
    assert stored(warehouse, "fct_retirement_plan", plan_of(ledger[0])) == summed(ledger, plan_of)
    assert all(year.at_limit > 0 for year in read_plan(warehouse, "baseline"))


def test_the_day_of_the_hire_would_overstate_the_match(ledger: list[Employed]) -> None:
    joined = [row for row in ledger if row.is_new_hire]
    by_enrolment, by_hire = (
        sum(plan_of(row, by_hire=by_hire)["employer_match"] for row in joined)
        for by_hire in (False, True)
    )
    assert 1.5 < by_hire / by_enrolment < 2.5


def test_other_rates_change_the_cost_and_neither_the_ledger_nor_the_fingerprint(
    warehouse: duckdb.DuckDBPyConnection, scenario: ScenarioSettings
) -> None:
    before = warehouse.execute(LEDGER_DIGEST).fetchone()
    first = read_costs(warehouse, "baseline")
    assert scenario.cost is not None
    changed = scenario.model_copy(
        update={"cost": scenario.cost.model_copy(update={"overhead_rate": 0.222222})}
    )
    without = scenario.model_copy(update={"cost": None, "retirement_plan": None})
    identities = {
        identity_of(scenario_id="baseline", settings=each, census_digest="1")
        for each in (scenario, changed, without)
    }
    assert len(identities) == 1

    record_cost_rates(warehouse, "baseline", changed, years=YEARS)
    second = read_costs(warehouse, "baseline")
    record_cost_rates(warehouse, "baseline", without, years=YEARS)
    third = read_costs(warehouse, "baseline"), read_plan(warehouse, "baseline")
    record_cost_rates(warehouse, "baseline", scenario, years=YEARS)

    assert [cost.overhead for cost in second] == pytest.approx(
        [2 * cost.overhead for cost in first], rel=1e-5
    )
    assert [cost.benefits for cost in second] == [cost.benefits for cost in first]
    assert third == ([], [])
    assert read_costs(warehouse, "baseline") == first
    assert warehouse.execute(LEDGER_DIGEST).fetchone() == before
