"""Amounts as banks write them: ``1.234,56``, ``-1'234.56``, ``3,80-``, ``(3.80)``, ``3,80 S``."""

import re
from collections.abc import Iterable
from decimal import Decimal

from gocardless.extraction.reading.currencies import CURRENCIES
from gocardless.extraction.reading.entries import UnreadableEntryError, exact_amount
from gocardless.statement_files.statement import UnreadableValueError

_SPACES = "\u00a0\u202f\u2007\u2009 "
_CURRENCY = re.compile(r"(?:[A-Z]{3}|[€$£¥₣]|zł|Kč|kr\.?|Fr\.)(?![A-Za-z])")
_SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "Kč": "CZK", "₣": "CHF", "Fr.": "CHF"}
_SIDE = re.compile(r"(?<=[\d,. ])(?P<side>S|H|D|C|DR|CR|Dr|Cr)$")
_DEBIT_SIDES = frozenset({"S", "D", "DR", "Dr"})
_SIGN = str.maketrans({"\u2212": "-", "\u2013": "-", "\u2012": "-", "\u2011": "-"})
_NUMBERS = {
    mark: re.compile(rf"(?:\d{{1,3}}(?P<group>[{group}])\d{{3}}(?:(?P=group)\d{{3}})*|\d+)?"
                     rf"(?:{re.escape(mark)}\d*)?")
    for mark, group in {",": "._'\u2019 ", ".": ",_'\u2019 "}.items()
}  # fmt: skip


def read_amount(text: str, field: str, *, decimal: str) -> Decimal:
    """The signed amount that ``text`` writes.

    Args:
        text: the value; signs before or behind, brackets, currencies and the letters of debit
            and credit are understood.
        field: what to call it in messages.
        decimal: the decimal mark of the file, ``.`` or ``,``.

    Raises:
        UnreadableValueError: it is not an amount, or a group has other than three digits.
    """
    if not text.strip():
        raise UnreadableValueError(field, text, "there is not an amount")
    sign, number = _sign_and_number(text)
    if not any(character.isdigit() for character in number) or not _NUMBERS[decimal].fullmatch(
        number
    ):
        example = "-1234,56" if decimal == "," else "-1234.56"
        raise UnreadableValueError(field, text, f"not an amount such as {example}")
    plain = re.sub(rf"[^\d{re.escape(decimal)}]", "", number).replace(decimal, ".")
    plain = (plain if plain[0] != "." else f"0{plain}").removesuffix(".")
    try:
        return sign * exact_amount(plain)
    except UnreadableEntryError as error:
        raise UnreadableValueError(field, text, str(error)) from error


def is_amount(text: str) -> bool:
    """Whether ``text`` is an amount with either decimal mark."""
    _, number = _sign_and_number(text)
    return any(character.isdigit() for character in number) and any(
        pattern.fullmatch(number) for pattern in _NUMBERS.values()
    )


def decimal_mark(values: Iterable[str]) -> str | None:
    """The decimal mark that the values of a column use; none if they allow both.

    A mark with other than three digits behind it is one, as is the last of two different marks.
    """
    votes = {",": 0, ".": 0}
    is_open = False
    for value in values:
        _, number = _sign_and_number(value)
        marks = [character for character in number if character in votes]
        if not marks:
            continue
        last, other = marks[-1], "," if marks[-1] == "." else "."
        behind = number.rpartition(last)[2]
        if other in marks:
            votes[last] += 1
        elif len(marks) > 1:
            votes[other] += 1
        elif len(behind) != 3 or number[0] in f"0{last}":  # noqa: PLR2004 - a group of digits
            votes[last] += 1
        else:
            is_open = True
    if votes[","] == votes["."]:
        return None if is_open or votes[","] else "."
    return max(votes, key=lambda mark: votes[mark])


def currency_in(text: str) -> str | None:
    """The currency code or sign beside an amount, as a code."""
    found = _CURRENCY.search(text)
    if found is None:
        return None
    return _SIGNS.get(found.group(), found.group() if found.group() in CURRENCIES else None)


def _sign_and_number(text: str) -> tuple[int, str]:
    """The sign, and what is left without spaces around, currency and sign."""
    rest = _CURRENCY.sub("", text.translate(_SIGN)).strip(_SPACES + "\t")
    sign = 1
    if found := _SIDE.search(rest):
        sign = -1 if found["side"] in _DEBIT_SIDES else 1
        rest = rest[: found.start()]
    if rest.startswith("(") and rest.endswith(")"):
        sign, rest = -1, rest[1:-1]
    rest = rest.strip(_SPACES)
    if rest[:1] in ("-", "+"):
        sign, rest = (-sign if rest[0] == "-" else sign), rest[1:]
    elif rest[-1:] in ("-", "+"):
        sign, rest = (-sign if rest[-1] == "-" else sign), rest[:-1]
    return sign, re.sub(f"[{_SPACES}]", " ", rest.strip(_SPACES))
