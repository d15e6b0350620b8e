"""A workbook holds its data as they are: typed, no formula but ours, and totals that are right."""

import math
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.utils import range_boundaries

from simulation import spreadsheet
from simulation.spreadsheet import Column, SheetFullError, written_book

HOSTILE = [
    "=1+1",
    '=HYPERLINK("http://example.com";"x")',
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "{=1}",
    "http://example.com",
    "0123",
    "1e5",
    "TRUE",
    "",
    " =1",
    "\x00\x07",
    "<b>&amp;",
]
COLUMNS = [
    Column(heading="Name"),
    Column(heading="Pay", kind="money", is_totalled=True),
    Column(heading="Twice", kind="money", formula="=2*B{row}", is_totalled=True),
    Column(heading="Since", kind="date"),
    Column(heading="Share", kind="share"),
]


def written(path: Path, rows: list[list[Any]]) -> Path:
    with written_book(path) as book:
        book.add_table("People", COLUMNS, rows)
    return path


def summed(sheet: Any, formula: str) -> Decimal:
    """The sum that a formula asks for, from the stored values of its cells."""
    (cells,) = re.fullmatch(r"=SUM\((.+)\)", formula).groups()
    first_column, first, last_column, last = range_boundaries(cells)
    return sum(
        (
            Decimal(str(value))
            for row in sheet.iter_rows(first, last, first_column, last_column, values_only=True)
            for value in row
            if value is not None
        ),
        Decimal(0),
    )


def test_text_stays_text_whatever_it_begins_with(tmp_path: Path) -> None:
    rows = [[text, Decimal("1.10"), Decimal("2.20"), None, None] for text in HOSTILE]
    path = written(tmp_path / "book.xlsx", rows)

    sheet = openpyxl.load_workbook(path)["People"]
    formulas = {cell.coordinate for row in sheet for cell in row if cell.data_type == "f"}
    last = len(HOSTILE) + 1
    assert formulas == {*(f"C{row}" for row in range(2, last + 1)), f"B{last + 1}", f"C{last + 1}"}
    for text, (cell, *_) in zip(HOSTILE, sheet.iter_rows(2, last), strict=True):
        assert cell.data_type in {"s", "n"}
        assert (cell.value or "") == text or "\x00" in text or "\r" in text
        assert cell.hyperlink is None
        is_taken_for_a_formula = text[:1] in {"=", "+", "-", "@", "\t", "\r", "\n"}
        assert bool(cell.quotePrefix) == (is_taken_for_a_formula and bool(text))
    with ZipFile(path) as archive:
        assert not [name for name in archive.namelist() if "external" in name.lower()]


def test_totals_are_formulas_whose_results_are_stored(tmp_path: Path) -> None:
    rows = [[f"E{n}", Decimal(n) / 100, Decimal(2 * n) / 100, None, 0.5] for n in range(1, 500)]
    path = written(tmp_path / "book.xlsx", rows)

    formulas, values = (
        openpyxl.load_workbook(path, data_only=is_value)["People"] for is_value in (False, True)
    )
    assert formulas["A501"].value == "Total"
    for column in "BC":
        total = formulas[f"{column}501"].value
        assert total == f"=SUM({column}2:{column}500)"
        assert Decimal(str(values[f"{column}501"].value)) == summed(values, total)
    assert formulas["C7"].value == "=2*B7"
    assert formulas["E501"].value is None


def test_values_have_the_types_of_their_columns(tmp_path: Path) -> None:
    day = date(2025, 3, 1)
    path = written(tmp_path / "book.xlsx", [["1", 1, 2, day, 0.25], [None, None, None, None, None]])
    [first, second] = list(openpyxl.load_workbook(path, data_only=True)["People"].iter_rows(2, 3))
    assert [cell.value for cell in first[:3]] == ["1", 1, 2]
    assert first[3].value.date() == day
    assert first[4].number_format == "0.0%"
    assert {cell.value for cell in second} == {None}


def test_what_is_no_number_is_an_empty_cell(tmp_path: Path) -> None:
    rows = [["a", 1, 2, None, value] for value in (math.nan, math.inf)]
    path = written(tmp_path / "book.xlsx", rows)
    sheet = openpyxl.load_workbook(path)["People"]
    assert [sheet["E2"].value, sheet["E3"].value] == [None, None]


def test_a_text_that_is_too_long_for_a_cell_is_cut_visibly(tmp_path: Path) -> None:
    path = written(tmp_path / "book.xlsx", [["=" + "x" * 40_000, 1, 2, None, None]])
    cell = openpyxl.load_workbook(path)["People"]["A2"]
    assert len(cell.value) == 32_767
    assert cell.value.endswith("x…")


def test_a_table_without_rows_is_a_sheet_with_its_headings(tmp_path: Path) -> None:
    sheet = openpyxl.load_workbook(written(tmp_path / "book.xlsx", []))["People"]
    assert [cell.value for cell in sheet[1]] == ["Name", "Pay", "Twice", "Since", "Share"]
    assert sheet.max_row == 1


def test_more_rows_than_a_sheet_holds_are_refused_and_leave_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(spreadsheet, "ROWS_OF_A_SHEET", 12)
    row = ["a", 1, 2, None, None]
    written(tmp_path / "full.xlsx", [row] * 10)
    with pytest.raises(SheetFullError, match="sheet People is full: it holds 10 rows"):
        written(tmp_path / "over.xlsx", [row] * 11)
    assert [path.name for path in tmp_path.iterdir()] == ["full.xlsx"]
