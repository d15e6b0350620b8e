"""The rows of a CSV text with the line of each, so that one broken row breaks no other."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass

# the most lines that a quoted text may span
_LONGEST_ROW = 20


@dataclass(frozen=True)
class Row:
    """A row.

    Attributes:
        line: where it begins in the file, from 1.
        cells: without the spaces around them.
        text: the row as it is in the file.
        is_quoted_well: whether every quotation mark has its counterpart.
    """

    line: int
    cells: tuple[str, ...]
    text: str
    is_quoted_well: bool = True


def rows_of(text: str, separator: str, *, width: int | None = None) -> Iterator[Row]:
    """The rows of a text, blank lines left out.

    A text in quotation marks may go over several lines. A mark without a counterpart makes its line
    a row that is not quoted well, and swallows none of the lines below.

    Args:
        text: of the file.
        separator: of the cells.
        width: how many cells a row has to have, where that is known.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    number = 0
    while number < len(lines):
        cells, taken = _cells(lines[number], separator), 1
        while cells is None and taken < _LONGEST_ROW and number + taken < len(lines):
            taken += 1
            cells = _cells("\n".join(lines[number : number + taken]), separator)
        if cells is not None and taken > 1 and width is not None:
            inner = lines[number + 1 : number + taken]
            if len(cells) != width or any(
                line.count(separator) >= width - 1 for line in inner[:-1]
            ):
                cells = None
        if cells is None:
            naive = tuple(cell.strip() for cell in lines[number].split(separator))
            yield Row(number + 1, naive, lines[number], is_quoted_well=False)
            number += 1
        else:
            if any(cells):
                yield Row(number + 1, cells, "\n".join(lines[number : number + taken]))
            number += taken


def _cells(line: str, separator: str) -> tuple[str, ...] | None:
    try:
        rows = list(csv.reader([line], delimiter=separator, strict=True, skipinitialspace=True))
    except csv.Error:
        return None
    return tuple(cell.strip() for cell in (rows[0] if rows else ()))
