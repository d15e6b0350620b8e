"""What is above and below the bookings of a CSV file: account, period, balances, sums."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache

from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.statement_files.formats.csv.columns import (
    CREDIT_WORDS,
    DEBIT_WORDS,
    indicator_word,
    names_in,
    normalised,
)
from gocardless.statement_files.formats.csv.lines import Row
from gocardless.statement_files.formats.csv.mapping import Mapping
from gocardless.statement_files.statement import UnreadableValueError
from gocardless.statement_files.values.amounts import currency_in, is_amount, read_amount
from gocardless.statement_files.values.dates import is_date, read_date
from gocardless.statement_files.values.iban import find_iban

# a day and an hour may follow the words
_WHEN = (
    r"(?: (?:vom|per|zum|am|as of|on|at|au|le|al|a|del|op|na dzien|d))?"
    r"(?: [\d ]+)?(?: .{0,20}uhr)?"
)


@lru_cache(maxsize=1)
def _line_patterns() -> dict[str, re.Pattern[str]]:
    return {
        kind: re.compile(f"(?:{'|'.join(names)}){'(?: .*)?' if kind == 'sum' else _WHEN}")
        for kind, [names] in names_in("lines").items()
    }


@dataclass
class Surroundings:
    """What the lines around the bookings say.

    Attributes:
        balances: kind, day if the line has one, and amount.
    """

    iban: str | None = None
    number: str | None = None
    days: list[date] = field(default_factory=list)
    balances: list[tuple[str, date | None, Decimal]] = field(default_factory=list)


def line_kind(cells: Sequence[str]) -> str | None:
    """``opening``, ``closing`` or ``sum`` for a row that has such a word and no other text."""
    words = []
    for cell in cells:
        if any(map(str.isalpha, cell)) and not _is_value(cell):
            words.append(cell)
            if len(words) > 1:  # as bookings have
                return None
    if not words:
        return None
    word = normalised(words[0])
    kinds = (kind for kind, pattern in _line_patterns().items() if pattern.fullmatch(word))
    return next((kind for kind in kinds if kind != "number"), None)


def has_value(cells: Sequence[str]) -> bool:
    """Whether a row has anything that may be money or a day."""
    return any(is_amount(cell) or is_date(cell) for cell in cells)


def take_line(found: Surroundings, row: Row, mapping: Mapping) -> str:
    """Take a line that is not a booking, and return in words what it is."""
    cells = [part for cell in row.cells for part in _parts(cell)]
    if iban := find_iban(" ; ".join(cells)):
        found.iban = found.iban or iban
    elif len(cells) > 1 and _line_patterns()["number"].fullmatch(normalised(cells[0])):
        found.number = found.number or next((cell for cell in cells[1:] if cell), None)
    days = [day for cell in cells for day in _days(cell, mapping.date_order)]
    kind = line_kind([cell for cell in cells if cell])
    amounts = [cell for cell in cells if is_amount(cell) and not is_date(cell)]
    if kind in ("opening", "closing") and amounts:
        try:
            amount = read_amount(amounts[-1], "balance", decimal=mapping.decimal)
        except UnreadableValueError:
            return f"a balance that cannot be read: {amounts[-1]!r}"
        if any(indicator_word(cell) in DEBIT_WORDS and cell not in amounts for cell in cells):
            amount = -abs(amount)
        found.balances.append((kind, days[0] if days else None, amount))
        return f"the {kind} balance: {amount}"
    if len(days) == 2:  # noqa: PLR2004 - the first and the last
        found.days = sorted(days)
        return "the period"
    if kind == "sum":
        return f"a sum: {' '.join(amounts)}"
    return f"no booking: {' '.join(cell for cell in cells if cell)[:80]}"


def _parts(cell: str) -> list[str]:
    """Kontostand: 1.234,56 is a word and an amount."""
    before, colon, behind = cell.partition(": ")
    return [before, behind.strip()] if colon else [cell.strip().rstrip(":")]


def _days(cell: str, order: str) -> list[date]:
    days = []
    for text in re.findall(r"\d{1,4}[./-]\d{1,2}[./-]\d{2,4}", cell):
        try:
            days.append(read_date(text, "date", order=order))
        except UnreadableValueError:
            continue
    return days


def _is_value(cell: str) -> bool:
    return (
        is_amount(cell)
        or is_date(cell)
        or cell.upper() in CURRENCIES
        or (currency_in(cell) is not None and len(cell) <= 3)  # noqa: PLR2004 - a sign or code
        or indicator_word(cell) in DEBIT_WORDS | CREDIT_WORDS
        or find_iban(cell) is not None
    )
