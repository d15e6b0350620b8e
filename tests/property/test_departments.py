"""The marts by department, recomputed person by person, add up to those of all departments."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.support.replay import settings_with, simulate

from shared_lib.dbt.compiled import Statement

YEARS = range(2025, 2028)
WHEN = ("start", "end")
EMPLOYEES = 400
HEADER = "event,employee_id,date,department,level,pay,fill_rate,days_to_fill,reason"
COUNTS = (
    "start_headcount", "hires", "experienced_terminations", "retirements", "reductions_in_force",
    "new_hire_terminations", "promotions", "raises", "end_headcount",
)  # fmt: skip
AMOUNTS = {
    "fct_year_summary": ("start_payroll", "end_payroll", "paid_compensation"),
    "fct_compensation_growth": (
        "start_payroll", "payroll_from_promotions", "payroll_from_raises", "payroll_from_hires",
        "payroll_from_leavers", "end_payroll",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def warehouse(
    statements: tuple[Statement, ...], census: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Years in which departments shrink, grow, begin and are left, and people have none."""
    known = tmp_path_factory.mktemp("events") / "known.csv"
    with simulate([], census=census, settings=settings_with(), employees=EMPLOYEES) as opened:
        people: dict[str, list[str]] = defaultdict(list)
        for row in rows_of(opened, "raw.baseline_workforce_validated"):
            people[row["department"]].append(row["employee_id"])
    alone, here, there, other = people["Operations"][:4]
    gone = people["Finance"][0]
    lines = [
        f"transfer,{alone},2025-05-01,Sales,,,,,",
        *(f"transfer,{one},2025-06-01,Legal,,,,," for one in people["Sales"][:3]),
        *(f"transfer,{one},2025-06-01,Sales,,,,," for one in people["Legal"][:2]),
        *(f"transfer,{one},2026-05-01,Research,,,,," for one in (here, there)),
        f"transfer,{other},2027-03-01,Research,,,,,",
        f"transfer,{gone},2026-02-01,Sales,,,,,",
        f"leave,{gone},2026-09-30,,,,,,retirement",
    ]
    known.write_text("\n".join([HEADER, *lines]), "utf-8")

    def change_departments(connection: duckdb.DuckDBPyConnection, node: str) -> None:
        if node == "census":
            for department, replaced in ((None, people["Engineering"]), ("Research", [alone])):
                connection.execute(
                    "update raw.baseline_workforce_validated set department = $department "
                    "where list_contains($replaced, employee_id)",
                    {"department": department, "replaced": replaced},
                )

    with simulate(
        [one for one in statements if one.year in (None, *YEARS)],
        census=census,
        settings=settings_with(
            simulation={
                "end_year": YEARS[-1],
                "growth_by_department": {"Sales": 0.2, "Finance": -0.3},
            },
            workforce={"known_events": str(known)},
        ),
        employees=EMPLOYEES,
        after=change_departments,
    ) as played:
        yield played


def rows_of(warehouse: duckdb.DuckDBPyConnection, table: str) -> list[dict[str, Any]]:
    cursor = warehouse.execute(f"select * from {table} order by all")
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def ended_in(row: dict[str, Any]) -> str:
    return row["department"] or "Not stated"


def began_in(row: dict[str, Any]) -> str:
    return (row["department"] if row["transfer_date"] is None else row["transferred_from"]) or (
        "Not stated"
    )


def by_words(ledger: list[dict[str, Any]]) -> dict[tuple[int, str], dict[str, Any]]:
    """What the summary of each year and department is to be, person by person."""
    found: dict[tuple[int, str], dict[str, Any]] = defaultdict(lambda: defaultdict(Decimal))
    for row in ledger:
        year, left = row["simulation_year"], row["termination_category"]
        here = found[year, ended_in(row)]
        opening, after, end = (
            row[name]
            for name in (
                "opening_compensation",
                "compensation_after_promotion",
                "annual_compensation",
            )
        )
        if row["is_new_hire"]:
            here["hires"] += 1
        else:
            before = found[year, began_in(row)]
            before["start_headcount"] += 1
            before["start_payroll"] += opening
            if row["transfer_date"]:
                for unit, sign in ((here, 1), (before, -1)):
                    unit["transfers"] += sign
                    unit["payroll_from_transfers"] += sign * opening
        here["experienced_terminations"] += left in {"experienced_termination", "retirement"}
        here["retirements"] += left == "retirement"
        here["reductions_in_force"] += left == "reduction_in_force"
        here["new_hire_terminations"] += left == "new_hire_termination"
        here["promotions"] += row["promotion_date"] is not None
        here["raises"] += row["raise_date"] is not None
        here["paid_compensation"] += row["prorated_compensation"]
        if left is None:
            here["end_headcount"] += 1
            here["end_payroll"] += end
            here["payroll_from_raises"] += end - after
            if row["is_new_hire"]:
                here["payroll_from_hires"] += opening
            else:
                here["payroll_from_promotions"] += after - opening
                here["continuous_payroll"] += end
        elif not row["is_new_hire"]:
            here["payroll_from_leavers"] += opening
    return found


def ratio(one: Decimal | int, other: Decimal | int) -> float | None:
    return float(one) / float(other) if other else None


def growth(one: Decimal | int, other: Decimal | int) -> Any:
    return None if not other else pytest.approx(float(one) / float(other) - 1, abs=1e-12)


def test_the_summary_of_a_department_is_that_of_its_people(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    expected = by_words(rows_of(warehouse, "intermediate.int_employee_years"))
    found = rows_of(warehouse, "marts.fct_department_summary")
    assert {(row["simulation_year"], row["department"]) for row in found} == set(expected)
    for row in found:
        words = expected[row["simulation_year"], row["department"]]
        sums = [*COUNTS, "transfers", "payroll_from_transfers", "continuous_payroll"]
        sums += [name for names in AMOUNTS.values() for name in names]
        for name in sums:
            assert row[name] == words[name], (name, row)
        leavers = (
            words["experienced_terminations"]
            + words["reductions_in_force"]
            + words["new_hire_terminations"]
        )
        start, end = words["start_headcount"], words["end_headcount"]
        assert start + words["transfers"] + words["hires"] - leavers == end
        assert row["growth_rate"] == growth(end, start)
        turnover = ratio(2 * leavers, start + end)
        assert row["total_turnover"] == (None if turnover is None else pytest.approx(turnover))
        pay = [row[name] for name in ("start_payroll", "payroll_from_transfers")]
        pay += [row[f"payroll_from_{name}"] for name in ("promotions", "raises", "hires")]
        assert sum(pay) - row["payroll_from_leavers"] == row["end_payroll"]
        assert row["payroll_growth"] == growth(row["end_payroll"], row["start_payroll"])
        stayed = row["start_payroll"] + row["payroll_from_transfers"] - row["payroll_from_leavers"]
        assert row["continuous_employee_growth"] == growth(row["continuous_payroll"], stayed)
        means = [ratio(row[f"{when}_payroll"], words[f"{when}_headcount"]) for when in WHEN]
        assert [row[f"{when}_average_compensation"] for when in WHEN] == [
            None if mean is None else pytest.approx(mean) for mean in means
        ]
        has_growth = None not in means
        assert (row["average_compensation_growth"] is not None) == has_growth
    # what the years are to have, so that none of the above is said of nothing
    units = {(row["simulation_year"], row["department"]): row for row in found}
    assert units[2025, "Research"]["end_headcount"] == 0
    assert units[2026, "Research"]["start_headcount"] == 0
    assert units[2026, "Research"]["transfers"] == 2
    assert any(row["department"] == "Not stated" for row in found)
    assert any(row["reductions_in_force"] for row in found)
    assert units[2025, "Legal"]["transfers"] == 1


@pytest.mark.parametrize("whole", AMOUNTS)
def test_departments_add_up_to_the_year(warehouse: duckdb.DuckDBPyConnection, whole: str) -> None:
    departments = rows_of(warehouse, "marts.fct_department_summary")
    years = rows_of(warehouse, f"marts.{whole}")
    assert [row["simulation_year"] for row in years] == list(YEARS)
    names = [name for name in (*COUNTS, *AMOUNTS[whole]) if name in years[0]]
    for year in years:
        of_year = [row for row in departments if row["simulation_year"] == year["simulation_year"]]
        for name in names:
            assert sum(row[name] for row in of_year) == year[name], name
        for name in ("transfers", "payroll_from_transfers"):
            assert sum(row[name] for row in of_year) == 0


def test_the_level_mix_of_departments_is_that_of_their_people_and_adds_up(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    active = [
        row
        for row in rows_of(warehouse, "intermediate.int_employee_years")
        if row["termination_date"] is None
    ]
    people = Counter((row["simulation_year"], ended_in(row), row["level"]) for row in active)
    of_departments = Counter((row["simulation_year"], ended_in(row)) for row in active)
    pay: dict[Any, Decimal] = defaultdict(Decimal)
    for row in active:
        pay[row["simulation_year"], ended_in(row), row["level"]] += row["annual_compensation"]
    found = rows_of(warehouse, "marts.fct_department_level_mix")
    assert len(found) == len(people)
    for row in found:
        key = (row["simulation_year"], row["department"], row["level"])
        assert (row["headcount"], row["payroll"]) == (people[key], pay[key])
        assert row["share"] == people[key] / of_departments[key[:2]]
    for row in rows_of(warehouse, "marts.fct_level_mix"):
        parts = [
            part
            for part in found
            if all(part[name] == row[name] for name in ("simulation_year", "level", "level_name"))
        ]
        assert sum(part["headcount"] for part in parts) == row["headcount"]
        assert sum(part["payroll"] for part in parts) == row["payroll"]
        everybody = sum(1 for each in active if each["simulation_year"] == row["simulation_year"])
        assert row["share"] == row["headcount"] / everybody


def test_the_terminations_of_departments_are_those_of_their_people_and_add_up(
    warehouse: duckdb.DuckDBPyConnection,
) -> None:
    cell = ("simulation_year", "age_band", "tenure_band", "level")
    expected: dict[tuple[Any, ...], list[Any]] = defaultdict(lambda: [0, 0, Decimal(0)])
    for row in rows_of(warehouse, "intermediate.int_employee_years"):
        if not row["is_new_hire"]:
            bands = (row[f"opening_{name}"] for name in cell[1:])
            sums = expected[(row["simulation_year"], *bands, began_in(row))]
            sums[0] += 1
            sums[1] += row["termination_category"] not in {None, "reduction_in_force"}
            sums[2] += Decimal(f"{row['termination_probability']:.12f}")
    found = rows_of(warehouse, "marts.fct_department_termination_experience")
    measures = ("exposed", "observed", "expected")
    keys = (*cell, "department")
    by_cell = {tuple(row[name] for name in keys): [row[name] for name in measures] for row in found}
    assert by_cell.keys() == expected.keys()
    for key, sums in expected.items():
        assert by_cell[key][:2] == sums[:2]
        assert by_cell[key][2] == pytest.approx(sums[2], abs=Decimal("1e-9"))
    whole = rows_of(warehouse, "marts.fct_termination_experience")
    assert len(whole) == len({key[:-1] for key in expected})
    for row in whole:
        parts = [sums for key, sums in by_cell.items() if key[:-1] == tuple(row[n] for n in cell)]
        totals = [sum(column) for column in zip(*parts, strict=True)]
        assert [row["exposed"], row["observed"]] == totals[:2]
        # the sum of departments is exact, so one rounding makes the whole
        assert row["expected"] == float(totals[2])
