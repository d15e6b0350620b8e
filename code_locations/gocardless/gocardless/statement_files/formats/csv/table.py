"""The table in a CSV file: its separator, its header and the rows that decide on its columns."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import islice

from gocardless.statement_files.formats.csv.columns import candidates, is_known
from gocardless.statement_files.formats.csv.lines import Row, rows_of
from gocardless.statement_files.statement import StatementFileError
from gocardless.statement_files.values.amounts import is_amount
from gocardless.statement_files.values.dates import is_date

_SEPARATORS = ";,\t|"
# the longest block above a header, and the number of rows that decide what a column is
_HEADER_WITHIN = 60
_JUDGED_ROWS = 2000


@dataclass(frozen=True)
class Table:
    """The header of a file, and its rows that have a cell for each name."""

    separator: str
    header: tuple[str, ...]
    header_line: int
    has_header: bool
    rows: Sequence[Row]

    def values(self, number: int) -> list[str]:
        """The values of a column that are not empty."""
        return [row.cells[number] for row in self.rows if row.cells[number]]


def find_table(text: str, file_name: str) -> Table:
    """The table of a file, by the separator that makes the most of it.

    Raises:
        StatementFileError: no row of it has a date and an amount.
    """
    tables = [table for separator in _SEPARATORS if (table := _table_of(text, separator))]
    if not tables:
        raise StatementFileError(
            f"{file_name} has no row with a date and an amount between any of ; , tab and |"
        )
    return max(tables, key=_quality)


def _quality(table: Table) -> tuple[int, int, int]:
    known = sum(is_known(name) for name in table.header) if table.has_header else 0
    return known, len(table.rows), len(table.header)


def _table_of(text: str, separator: str) -> Table | None:
    rows = list(islice(rows_of(text, separator), _HEADER_WITHIN + _JUDGED_ROWS))
    best: tuple[int, int] | None = None
    for number, row in enumerate(rows[:_HEADER_WITHIN]):
        is_one_text = len(row.cells) <= 1
        if is_one_text or any(is_date(cell) or is_amount(cell) for cell in row.cells):
            continue
        roles = {role for name in row.cells if name for role, _ in candidates(name)}
        known = sum(is_known(name) for name in row.cells)
        has_both = "booking_date" in roles and roles & {"amount", "debit", "credit"}
        if has_both and (best is None or known > best[0]):
            best = known, number
    if best is not None:
        header_row = rows[best[1]]
        header, below, line = named_uniquely(header_row.cells), rows[best[1] + 1 :], header_row.line
        has_header = True
    else:
        first = next(
            (n for n, row in enumerate(rows)
             if any(map(is_date, row.cells)) and any(map(is_money, row.cells))), None,
        )  # fmt: skip
        if first is None:
            return None
        above = rows[first - 1] if first else None
        has_header = (
            above is not None and len(above.cells) == len(rows[first].cells) and all(above.cells)
        )
        width = len(rows[first].cells)
        header = named_uniquely(above.cells if above and has_header else [""] * width)
        below, line = rows[first:], above.line if above and has_header else 0
    # a separator at the end of each row makes an empty cell that the header may lack
    same = [_trimmed(row, len(header)) for row in below]
    complete = [row for row in same if len(row.cells) == len(header)]
    return Table(separator, header, line, has_header, complete[:_JUDGED_ROWS])


def _trimmed(row: Row, width: int) -> Row:
    extra = row.cells[width:]
    return replace(row, cells=row.cells[:width]) if extra and not any(extra) else row


def is_money(cell: str) -> bool:
    """Whether a cell is an amount with decimals or thousands, and no day."""
    return is_amount(cell) and not is_date(cell) and any(mark in cell for mark in ".,")


def named_uniquely(header: Sequence[str]) -> tuple[str, ...]:
    """The names of a header; one that is there again gets its number, as in Währung (2)."""
    names: list[str] = []
    for number, name in enumerate(header, start=1):
        plain = " ".join(name.split()) or f"column {number}"
        times = sum(1 for earlier in names if earlier == plain or earlier.startswith(f"{plain} ("))
        names.append(plain if times == 0 else f"{plain} ({times + 1})")
    return tuple(names)
