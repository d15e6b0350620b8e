"""Tables as sheets of a workbook, with totals as formulas and no formula from data.

A value of the data is written with its type and never parsed: text stays text, whatever it begins
with. Text that a spreadsheet would take for a formula once somebody edits the cell has Excel's
quote prefix as well, so that the value stays as it is in the data.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from shared_lib.private_files import keep_files_private
from simulation.report.files import replaced

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook as XlsxWorkbook
    from xlsxwriter.worksheet import Worksheet

# Excel's limits: rows of a sheet, the header included, and characters of a cell.
ROWS_OF_A_SHEET = 1_048_576
CHARACTERS_OF_A_CELL = 32_767

# What spreadsheets take for the beginning of a formula.
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r", "\n")

Kind = Literal["text", "count", "money", "share", "decimal", "date"]
_NUMBER_FORMATS = {
    "text": "@",
    "count": "#,##0",
    "money": "#,##0.00",
    "share": "0.0%",
    "decimal": "#,##0.0##",
    "date": "yyyy-mm-dd",
}
_WIDEST = 60


class SheetFullError(ValueError):
    """A table has more rows than a sheet; the message says how many and what to do."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Attributes:
        heading: above it.
        kind: how its values are shown; a year is text.
        is_totalled: whether the row below the table has its sum.
        formula: what its cells compute, with ``{row}`` for the number of their row; the values are
            stored as results, for readers that do not compute.
        width: in characters; by default that of the heading.
    """

    heading: str
    kind: Kind = "text"
    is_totalled: bool = False
    formula: str | None = None
    width: int = 0


@dataclass(frozen=True, kw_only=True)
class Formula:
    """A cell that computes, by ``text``; ``value`` is stored as its result."""

    text: str
    value: Any
    kind: Kind


class Book:
    """A workbook that takes one sheet after the other."""

    def __init__(self, book: "XlsxWorkbook") -> None:
        self._book = book
        self._formats: dict[tuple[str, bool, bool, bool], Format] = {}

    def add_table(self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[Any]]) -> int:
        """Add a sheet with a table from its first row on, and the totals below it.

        Args:
            name: of the sheet.
            columns: of the table.
            rows: their values; None is an empty cell.

        Returns:
            The number of the row of totals, counted from 1; without totals, that of the last row.

        Raises:
            SheetFullError: there are more rows than a sheet holds.
        """
        sheet: Worksheet = self._book.add_worksheet(name)
        for place, column in enumerate(columns):
            sheet.set_column(place, place, min(_WIDEST, max(len(column.heading) + 2, column.width)))
            sheet.write_string(0, place, column.heading, self._format("text", is_heading=True))
        sheet.freeze_panes(1, 1)
        sums: list[Decimal] = [Decimal(0) for _ in columns]
        number = 1
        for number, values in enumerate(rows, start=2):
            if number > ROWS_OF_A_SHEET - 1:
                message = (
                    f"sheet {name} is full: it holds {ROWS_OF_A_SHEET - 2:,} rows, and there are "
                    "more: choose fewer years"
                )
                raise SheetFullError(message)
            for place, (column, value) in enumerate(zip(columns, values, strict=True)):
                self._write(sheet, number - 1, place, column, value)
                if column.is_totalled and value is not None:
                    sums[place] += Decimal(str(value))
        if number > 1:
            sheet.autofilter(0, 0, number - 1, len(columns) - 1)
        if number == 1 or not any(column.is_totalled for column in columns):
            return number
        sheet.write_string(number, 0, "Total", self._format("text", is_total=True))
        for place, column in enumerate(columns):
            if column.is_totalled:
                letter = column_letter(place)
                sheet.write_formula(
                    number,
                    place,
                    f"=SUM({letter}2:{letter}{number})",
                    self._format(column.kind, is_total=True),
                    _number(sums[place]),
                )
        return number + 1

    def _write(self, sheet: "Worksheet", row: int, place: int, column: Column, value: Any) -> None:
        if value is None:
            return
        if isinstance(value, Formula):
            number = _number(value.value)
            sheet.write_formula(row, place, value.text, self._format(value.kind), number)
            return
        if column.formula is not None:
            formula = column.formula.format(row=row + 1)
            sheet.write_formula(row, place, formula, self._format(column.kind), _number(value))
        elif column.kind == "text":
            self._write_text(sheet, row, place, str(value))
        elif column.kind == "date":
            sheet.write_datetime(row, place, value, self._format("date"))
        else:
            number = _number(value)
            if math.isfinite(number):
                sheet.write_number(row, place, number, self._format(column.kind))

    def _write_text(self, sheet: "Worksheet", row: int, place: int, text: str) -> None:
        if len(text) > CHARACTERS_OF_A_CELL:
            text = text[: CHARACTERS_OF_A_CELL - 1] + "…"
        is_quoted = text.startswith(FORMULA_BEGINNINGS)
        sheet.write_string(row, place, text, self._format("text", is_quoted=is_quoted))

    def _format(
        self,
        kind: Kind,
        *,
        is_heading: bool = False,
        is_total: bool = False,
        is_quoted: bool = False,
    ) -> "Format":
        key = (kind, is_heading, is_total, is_quoted)
        if key not in self._formats:
            properties: dict[str, Any] = {"num_format": _NUMBER_FORMATS[kind]}
            if is_heading:
                properties |= {"bold": True, "bottom": 1, "text_wrap": True, "valign": "bottom"}
            if is_total:
                properties |= {"bold": True, "top": 1}
            made = self._book.add_format(properties)
            if is_quoted:
                made.set_quote_prefix()
            self._formats[key] = made
        return self._formats[key]


@contextmanager
def written_book(path: Path) -> Iterator[Book]:
    """Write a workbook; it appears complete or not at all.

    Args:
        path: the file; an existing one is replaced, missing folders are created.

    Yields:
        The workbook, for its sheets.
    """
    import xlsxwriter

    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        replaced(path) as unfinished,
        # rows go to a file as they come, so that a million events fit into memory
        xlsxwriter.Workbook(
            str(unfinished),
            {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False},
        ) as book,
    ):
        yield Book(book)


def column_letter(place: int) -> str:
    """Return the letters of a column, the first of which is number 0."""
    from xlsxwriter.utility import xl_col_to_name

    return xl_col_to_name(place)


def _number(value: Any) -> Any:
    return float(value) if isinstance(value, Decimal) else value
