"""The parts of a difference add up to it in cents; recomputed person by person without SQL."""

import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement
from simulation.compare.attribution import UnexplainedDifferenceError, compare
from simulation.compare.differences import Comparison
from simulation.compare.pair import Pair
from simulation.compare.parts import DRIVERS
from simulation.config.settings import ScenarioSettings
from simulation.stored.scenarios import StoredScenario

YEARS = range(2025, 2028)
CENT = Decimal("0.01")


def millionths(low: float, high: float) -> st.SearchStrategy[float]:
    return st.integers(round(low * 1e6), round(high * 1e6)).map(lambda value: value / 1e6)


SCENARIOS = st.builds(
    lambda growth, leaving, new_leaving, percentile, joiners, mix, budget, cola, promotion: (
        settings_with(
            simulation={"target_growth_rate": growth, "end_year": YEARS[-1]},
            workforce={
                "experienced_termination_rate": leaving,
                "new_hire_termination_rate": new_leaving,
            },
            hiring={"pay_percentile": percentile, "recent_joiner_years": joiners}
            | ({"level_mix": [{"level": mix, "share": 1.0}]} if mix else {}),
            compensation={
                "merit_budget": budget,
                "cola_rate": cola,
                "promotion_rate": promotion,
            },
        )
    ),
    growth=millionths(-0.2, 0.3),
    leaving=millionths(0, 0.4),
    new_leaving=millionths(0, 0.6),
    percentile=millionths(0, 1),
    joiners=st.integers(1, 8),
    mix=st.sampled_from([0, 0, 2, 5]),
    budget=millionths(0, 0.2),
    cola=millionths(0, 0.1),
    promotion=millionths(0, 0.9),
)


def stored(name: str) -> StoredScenario:
    return StoredScenario(
        scenario_id=name,
        fingerprint=name,
        years=YEARS,
        settings={"simulation": {"random_seed": 1}},
        census_digest="1",
        census_name="census",
        rules_digest="1",
    )


PAIR = Pair(base=stored("one"), other=stored("two"), years=YEARS, warnings=())


def with_both(
    statements: tuple[Statement, ...], census: Path, employees: int, *scenarios: ScenarioSettings
) -> duckdb.DuckDBPyConnection:
    """A warehouse in memory with the ledgers of the scenarios ``one`` and ``two``."""
    played = [statement for statement in statements if statement.year in (None, *YEARS)]
    one, two = (
        simulate(played, census=census, settings=each, employees=employees, scenario_id=name)
        for name, each in zip(("one", "two"), scenarios, strict=True)
    )
    with two, tempfile.TemporaryDirectory() as folder:
        two.execute(f"copy intermediate.int_employee_years to '{folder}/two.parquet'")
        one.execute(f"insert into intermediate.int_employee_years from '{folder}/two.parquet'")
    return one


def ledger_of(warehouse: duckdb.DuckDBPyConnection, scenario: str) -> list[dict[str, Any]]:
    cursor = warehouse.execute(
        "from intermediate.int_employee_years where scenario_id = ?", [scenario]
    )
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def people_of(ledger: list[dict[str, Any]], year: int) -> tuple[dict[str, Any], set[str]]:
    """Everybody employed at the end of a year with all that moved their pay; all who ever were."""
    found, ever = {}, set()
    for row in sorted(ledger, key=lambda each: each["simulation_year"]):
        if row["simulation_year"] > year:
            continue
        person = found.setdefault(
            row["employee_id"],
            {
                "entry": row["opening_compensation"],
                "entered": (row["department"], row["opening_level"]),
                "promotions": Decimal(0),
                "raises": Decimal(0),
            },
        )
        ever.add(row["employee_id"])
        person["promotions"] += row["compensation_after_promotion"] - row["opening_compensation"]
        person["raises"] += row["annual_compensation"] - row["compensation_after_promotion"]
        person["group"] = (row["department"] or "Not stated", row["level"])
        person["pay"] = row["annual_compensation"]
        if row["termination_date"] is not None:
            del found[row["employee_id"]]
    return found, ever


def explained(
    base: list[dict[str, Any]], other: list[dict[str, Any]], year: int
) -> Iterator[tuple[str, tuple[str, int], int, Decimal]]:
    """Driver, group, people and pay of each part, person by person."""
    before, ever_before = people_of(base, year)
    after, ever_after = people_of(other, year)
    average = (sum(each["pay"] for each in before.values()) / len(before)).quantize(
        CENT, ROUND_HALF_UP
    )
    for name in before.keys() | after.keys():
        one, two = before.get(name), after.get(name)
        if one and two:
            yield "hires", two["group"], 0, two["entry"] - one["entry"]
            yield "promotions", two["group"], 0, two["promotions"] - one["promotions"]
            yield "raises", two["group"], 0, two["raises"] - one["raises"]
            if one["group"] != two["group"]:
                driver = "promotions" if one["entered"] == two["entered"] else "hires"
                yield driver, one["group"], -1, -one["pay"]
                yield driver, two["group"], 1, one["pay"]
        else:
            person, sign, elsewhere = (two, 1, ever_before) if two else (one, -1, ever_after)
            driver = "leavers" if name in elsewhere else "hires"
            yield driver, person["group"], sign, sign * average
            yield "mix", person["group"], 0, sign * (person["pay"] - average)


@settings(
    max_examples=4,
    deadline=None,
    # an example takes a second: shrinking one would take minutes and say no more
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(employees=st.integers(3, 150), one=SCENARIOS, two=SCENARIOS)
def test_the_parts_add_up_in_cents_by_year_department_and_level(
    statements: tuple[Statement, ...],
    census: Path,
    employees: int,
    one: ScenarioSettings,
    two: ScenarioSettings,
) -> None:
    with with_both(statements, census, employees, one, two) as warehouse:
        found = compare(warehouse, PAIR)
        levels = dict(warehouse.sql("select level, level_name from seeds.job_levels").fetchall())
        ledgers = {name: ledger_of(warehouse, name) for name in ("one", "two")}
    parts_add_up(found, levels, ledgers)


def test_the_parts_add_up_where_departments_grow_apart(
    statements: tuple[Statement, ...], census: Path
) -> None:
    own = [{"Sales": 0.3, "Operations": 0.0}, {"Sales": -0.2, "Finance": dict.fromkeys(YEARS, 0.1)}]
    one, two = (
        settings_with(simulation={"growth_by_department": each, "end_year": YEARS[-1]})
        for each in own
    )
    with with_both(statements, census, 250, one, two) as warehouse:
        found = compare(warehouse, PAIR)
        levels = dict(warehouse.sql("select level, level_name from seeds.job_levels").fetchall())
        ledgers = {name: ledger_of(warehouse, name) for name in ("one", "two")}
    parts_add_up(found, levels, ledgers)
    opening = Counter(
        row["department"]
        for row in ledgers["one"]
        if row["simulation_year"] == YEARS[0] and not row["is_new_hire"]
    )
    grown = [
        int(opening["Sales"] * Decimal(f"{1 + each['Sales']}") ** len(YEARS) + Decimal("0.5"))
        for each in own
    ]
    sales = next(group for group in found.departments if group.name == "Sales")
    assert [sales.base_headcount, sales.other_headcount] == grown
    # all end at the same target, so that what Sales lose others gain
    assert all(year.headcount == 0 for year in found.years)
    assert sales.headcount < 0 < sum(max(group.headcount, 0) for group in found.departments)
    assert sales.pay["hires"] + sales.pay["leavers"] < 0


def test_the_parts_add_up_where_people_come_back(
    statements: tuple[Statement, ...], census: Path, tmp_path: Path
) -> None:
    people = duckdb.execute(
        "select employee_id, department from read_parquet(?) order by employee_id limit 20",
        [str(census)],
    ).fetchall()
    lines = [
        line
        for employee, department in people
        for line in (
            f"leave,{employee},2026-12-31,,,",
            f"rehire,{employee},2027-02-01,{department},2,50000",
        )
    ]
    file = tmp_path / "known.csv"
    file.write_text("\n".join(["event,employee_id,date,department,level,pay", *lines]), "utf-8")
    one, two = (
        settings_with(
            simulation={"end_year": YEARS[-1]},
            workforce={"known_events": str(file)},
            compensation={"promotion_rate": rate, "merit_budget": rate / 10},
        )
        for rate in (0.05, 0.9)
    )
    with with_both(statements, census, 100, one, two) as warehouse:
        found = compare(warehouse, PAIR)
        levels = dict(warehouse.sql("select level, level_name from seeds.job_levels").fetchall())
        ledgers = {name: ledger_of(warehouse, name) for name in ("one", "two")}
    back = {row["employee_id"] for row in ledgers["one"] if row["hire_date"].year == YEARS[-1]}
    assert back >= {employee for employee, _ in people}
    parts_add_up(found, levels, ledgers)


def parts_add_up(
    found: Comparison, levels: dict[int, str], ledgers: dict[str, list[dict[str, Any]]]
) -> None:
    """The parts of every year, department and level, recomputed person by person."""
    pay: dict[Any, Decimal] = {}
    for year in found.years:
        payroll = {
            name: sum(
                row["annual_compensation"]
                for row in ledger
                if row["simulation_year"] == year.year and row["termination_date"] is None
            )
            for name, ledger in ledgers.items()
        }
        assert sum(year.pay.values()) == year.payroll == payroll["two"] - payroll["one"]
        people: dict[str, int] = defaultdict(int)
        pay = defaultdict(Decimal)
        for driver, (department, level), number, amount in explained(
            ledgers["one"], ledgers["two"], year.year
        ):
            people[driver] += number
            for key in (driver, (driver, department), (driver, levels[level])):
                pay[key] += amount
        assert year.people == {driver: people[driver] for driver in DRIVERS}
        assert year.pay == {driver: pay[driver] for driver in DRIVERS}
    for group in (*found.departments_by_year, *found.levels_by_year):
        assert sum(group.pay.values()) == group.payroll
    for year in found.years:
        for groups in (found.departments_by_year, found.levels_by_year):
            assert year.payroll == sum(each.payroll for each in groups if each.year == year.year)
    for group in (*found.departments, *found.levels):
        assert group.pay == {driver: pay[driver, group.name] for driver in DRIVERS}
    last = found.years[-1]
    for groups in (found.departments, found.levels):
        assert sum(group.payroll for group in groups) == last.payroll
        assert sum(group.headcount for group in groups) == last.headcount
    alone = [people_of(ledger, last.year)[0].keys() for ledger in ledgers.values()]
    assert {person.employee_id for person in found.people} == alone[0] ^ alone[1]


def test_a_ledger_whose_years_do_not_follow_each_other_is_refused(
    statements: tuple[Statement, ...], census: Path
) -> None:
    same = settings_with(simulation={"end_year": YEARS[-1]})
    with with_both(statements, census, 20, same, same) as warehouse:
        assert all(year.payroll == 0 for year in compare(warehouse, PAIR).years)
        warehouse.execute(
            "update intermediate.int_employee_years "
            "set opening_compensation = opening_compensation + 100, "
            "compensation_after_promotion = compensation_after_promotion + 100, "
            "annual_compensation = annual_compensation + 100 "
            "where scenario_id = 'two' and simulation_year = 2026"
        )
        with pytest.raises(UnexplainedDifferenceError, match=r"the end of 2026: .* has no cause"):
            compare(warehouse, PAIR)
