"""Copies a sheet of a workbook (.xlsx, .xlsm, .xlsb, .xls, .ods) as CSV, to be read as such."""

import csv
import re
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal

from simulation.census.columns.mapping import CensusError, listed

# A header names at least so many columns, within so many rows.
_LEAST_NAMES = 2
_HEADER_WITHIN = 60

SUFFIXES = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


@dataclass(frozen=True)
class SheetCopy:
    """Which sheet was copied, which others the workbook has, and from which year it counts days.

    `date_system` is None for a kind of workbook that is not asked for it.
    """

    sheet: str
    others: list[str]
    date_system: Literal[1900, 1904] | None


def copy_sheet(
    path: Path,
    copy: Path,
    *,
    sheet: str | None,
    date_format: str | None,
    known_names: Callable[[Sequence[str]], int],
) -> SheetCopy:
    """Write a sheet as a CSV file in UTF-8; without a name, the first with a header of a census.

    If no sheet has one, it is the first that holds anything. Dates are written in the given format,
    else as in 2011-06-17, whole numbers without a point.

    Args:
        path: the workbook.
        copy: where to write.
        sheet: its name, if it is stated.
        date_format: as strftime has it.
        known_names: how many columns of a census the cells of a row name.

    Raises:
        CensusError: the file is not a workbook, or has no such sheet.
    """
    from python_calamine import CalamineError, CalamineWorkbook

    try:
        workbook = CalamineWorkbook.from_path(str(path))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise CensusError(f"{path}: there is no sheet {sheet!r}; there are {listed(names)}")
        written = _with_format(date_format)
        name: str | None = None
        rows: list[list[Any]] = []
        for one in names if sheet is None else [sheet]:
            cells = workbook.get_sheet_by_name(one).to_python()
            is_census = any(
                known_names([str(cell) for cell in row]) >= _LEAST_NAMES
                for row in cells[:_HEADER_WITHIN]
            )
            if is_census or (name is None and (cells or sheet is not None)):
                name, rows = one, cells
            if is_census:
                break
        if name is None:
            raise CensusError(f"{path}: the file is empty")
    except CalamineError as error:
        raise CensusError(f"{path}: not a workbook that can be read: {error}") from error
    with copy.open("w", encoding="utf-8", newline="") as target:
        csv.writer(target, lineterminator="\n").writerows(
            [written(value) for value in row] for row in rows
        )
    return SheetCopy(name, [other for other in names if other != name], _date_system(path))


def _date_system(path: Path) -> Literal[1900, 1904] | None:
    """Return from which year the numbers of an Office Open XML workbook count days.

    Cells with the format of a date come as dates, whichever it is; others come as numbers.
    """
    if not zipfile.is_zipfile(path):
        return None
    with zipfile.ZipFile(path) as parts:
        if "xl/workbook.xml" not in parts.namelist():
            return None
        properties = re.search(rb"<(?:\w+:)?workbookPr\b[^>]*>", parts.read("xl/workbook.xml"))
    is_1904 = properties and re.search(rb"""date1904\s*=\s*["'](?:1|true)["']""", properties[0])
    return 1904 if is_1904 else 1900


def _with_format(date_format: str | None) -> Callable[[Any], str]:
    def written(value: Any) -> str:
        match value:
            case bool():
                return str(value).lower()
            case float() if value.is_integer():
                return str(int(value))
            case datetime() if date_format is None and value.time() != time():
                return value.isoformat()
            case date():
                return value.strftime(date_format or "%Y-%m-%d")
            case timedelta():
                return str(value)
            case _:
                # a line break within a cell would be a row of its own where its quotes are odd
                return " ".join(str(value).split("\n"))

    return written
