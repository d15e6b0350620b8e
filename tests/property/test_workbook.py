"""The workbook of a scenario has the figures of the ledger, and no formula but its own."""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest
from tests.property.test_comparison import with_both
from tests.support.replay import settings_with

from shared_lib.dbt.compiled import Statement
from simulation.compare.attribution import compare
from simulation.compare.page import write_page
from simulation.compare.pair import Pair
from simulation.compare.parts import DRIVERS
from simulation.stored.scenarios import StoredScenario
from simulation.workbook.contents import YearsMissingError, write_scenario_workbook

YEARS = range(2025, 2028)
DEPARTMENTS = ["=1+1", "+cmd", "-2", "@SUM(A1)", "\t=1", "Sales & <Marketing>"]


@pytest.fixture(scope="module")
def warehouse(
    statements: tuple[Statement, ...], census: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    settings = [
        settings_with(simulation={"end_year": YEARS[-1], "target_growth_rate": growth})
        for growth in (0.1, -0.1)
    ]
    with with_both(statements, census, 120, *settings) as made:
        made.execute(
            "update intermediate.int_employee_years "
            "set department = ?[1 + ascii(right(employee_id, 1)) % ?]",
            [DEPARTMENTS, len(DEPARTMENTS)],
        )
        yield made


@pytest.fixture(scope="module")
def pair() -> Pair:
    base, other = (
        StoredScenario(
            scenario_id=name,
            fingerprint=name,
            years=YEARS,
            settings={"simulation": {"random_seed": 1}},
            census_digest="1",
            census_name="=census",
            rules_digest="1",
        )
        for name in ("one", "two")
    )
    return Pair(base=base, other=other, years=YEARS, warnings=("=a warning <script>",))


@pytest.fixture(scope="module")
def book(
    warehouse: duckdb.DuckDBPyConnection, pair: Pair, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return write_scenario_workbook(
        warehouse,
        scenario_id="one",
        path=tmp_path_factory.mktemp("books") / "one.xlsx",
        has_people=True,
        comparison=compare(warehouse, pair),
    )


def computed(formula: str, values: Any, sheet: str) -> float:
    """What a formula of ours comes to, from the stored values of other cells."""

    def value(match: re.Match[str]) -> str:
        cell = values[match["sheet"] or sheet][match["cell"]].value
        return f"({cell or 0!r})"

    def total(match: re.Match[str]) -> str:
        cells = values[sheet][match[1]]
        return repr(float(sum(Decimal(str(one.value or 0)) for row in cells for one in row)))

    text = re.sub(r"SUM\(([A-Z]+\d+:[A-Z]+\d+)\)", total, formula.removeprefix("="))
    text = re.sub(r"(?:(?P<sheet>[A-Z][a-z]+)!)?(?P<cell>\b[A-Z]{1,2}\d+\b)", value, text)
    return eval(text.replace("ROUND", "round"), {"round": round, "__builtins__": {}})


def test_every_formula_is_ours_and_comes_to_the_stored_result(book: Path) -> None:
    formulas, values = (
        openpyxl.load_workbook(book, data_only=is_value) for is_value in (False, True)
    )
    seen = 0
    for sheet in formulas:
        for row in sheet.iter_rows():
            for cell in row:
                if cell.data_type != "f":
                    continue
                seen += 1
                stored = values[sheet.title][cell.coordinate].value
                result = computed(cell.value, values, sheet.title)
                assert stored == pytest.approx(result, abs=0.005), (sheet.title, cell.coordinate)
    assert seen > 100


def test_hostile_departments_are_text_on_every_sheet(book: Path) -> None:
    workbook = openpyxl.load_workbook(book)
    for title, column in (("Departments", "A"), ("People", "D"), ("Comparison departments", "A")):
        cells = [cell for cell in workbook[title][column] if cell.value in DEPARTMENTS]
        assert {cell.value for cell in cells} == set(DEPARTMENTS), title
        assert {cell.data_type for cell in cells} == {"s"}
        quoted = {cell.value for cell in cells if cell.quotePrefix}
        assert quoted == set(DEPARTMENTS[:-1])


def test_the_page_shows_hostile_names_as_text(
    warehouse: duckdb.DuckDBPyConnection, pair: Pair, tmp_path: Path
) -> None:
    comparison = compare(warehouse, pair)
    path = write_page(comparison, path=tmp_path / "a.html", workbook=tmp_path / "a.xlsx")
    text = path.read_text(encoding="utf-8")
    assert "<Marketing>" not in text
    assert "Sales &amp; &lt;Marketing&gt;" in text
    assert "=a warning &lt;script&gt;" in text
    assert "<script" not in text


def table(book: Path, sheet: str) -> list[dict[str, Any]]:
    """The rows of a sheet by heading, without that of the totals."""
    heading, *rows = openpyxl.load_workbook(book, data_only=True)[sheet].iter_rows(values_only=True)
    return [dict(zip(heading, row, strict=True)) for row in rows if row[0] != "Total"]


def test_sheets_have_the_rows_and_sums_of_the_ledger(
    book: Path, warehouse: duckdb.DuckDBPyConnection
) -> None:
    for year, row in zip(YEARS, table(book, "Years"), strict=True):
        found = warehouse.execute(
            "select count(*) filter (termination_date is null), count(termination_date), "
            "sum(annual_compensation) filter (termination_date is null), "
            "sum(prorated_compensation) from intermediate.int_employee_years "
            "where scenario_id = 'one' and simulation_year = ?",
            [year],
        ).fetchone()
        shown = [row[name] for name in ("End", "Leavers", "Payroll at end", "Paid in year")]
        assert [round(Decimal(value), 2) for value in shown] == [round(each, 2) for each in found]
    people = table(book, "People")
    events = table(book, "Events")
    ledger = warehouse.sql(
        "select count(*), sum(annual_compensation), count(hire_date) filter (is_new_hire) "
        "+ count(promotion_date) + count(raise_date) + count(termination_date) "
        "from intermediate.int_employee_years where scenario_id = 'one'"
    ).fetchone()
    pay = sum(Decimal(str(row["Annual pay"])) for row in people)
    assert (len(people), pay, len(events)) == ledger
    for row in [
        *table(book, "Comparison departments"),
        *table(book, "Comparison by year"),
        *table(book, "Comparison"),
    ]:
        parts = sum(Decimal(str(row[driver.capitalize()])) for driver in DRIVERS)
        assert round(parts, 2) == round(Decimal(str(row["Payroll difference"])), 2)
    assert {"Summary", "Levels", "Assumptions", "Census", "Quality"} <= set(
        openpyxl.load_workbook(book, read_only=True).sheetnames
    )


def test_years_can_be_chosen_and_people_left_out(
    warehouse: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    path = write_scenario_workbook(
        warehouse, scenario_id="one", path=tmp_path / "a.xlsx", years=range(2026, 2027)
    )
    assert "People" not in openpyxl.load_workbook(path, read_only=True).sheetnames
    assert [row["Year"] for row in table(path, "Years")] == ["2026"]
    assert {row["Year"] for row in table(path, "Events")} == {"2026"}
    with pytest.raises(YearsMissingError, match="has the years 2025 to 2027 alone"):
        write_scenario_workbook(
            warehouse, scenario_id="one", path=tmp_path / "b.xlsx", years=range(2030, 2031)
        )
    assert [each.name for each in tmp_path.iterdir()] == ["a.xlsx"]
