"""Dates as banks write them, in a stated order of day, month and year."""

import re
from collections.abc import Iterable, Sequence
from datetime import date

from gocardless.statement_files.statement import UnreadableValueError

ORDERS = {"ymd": "2026-01-31", "dmy": "31.01.2026", "mdy": "01/31/2026"}
"""The orders, each with an example."""

_PARTS = re.compile(
    r"(?P<one>\d{1,4}|[^\W\d_]{3,}\.?)[./\-\s]+(?P<two>\d{1,2}|[^\W\d_]{3,}\.?)"
    r"(?:[./\-,'\u2019\s]+)(?P<three>\d{4}|\d{2}(?!\d))(?:[T ,;].*)?"
)
_YEAR_FIRST = re.compile(
    r"(?P<one>\d{4})[./\-\s](?P<two>\d{1,2})[./\-\s](?P<three>\d{1,2})(?:[T ,;].*)?"
)
_COMPACT = {
    "ymd": re.compile(r"(?P<y>\d{4})(?P<m>\d\d)(?P<d>\d\d)(?:[T ]?\d{4,6})?"),
    "dmy": re.compile(r"(?P<d>\d\d)(?P<m>\d\d)(?P<y>\d{4})"),
    "mdy": re.compile(r"(?P<m>\d\d)(?P<d>\d\d)(?P<y>\d{4})"),
}
_WEEKDAY = re.compile(r"^[^\W\d_]{2,}\.?,\s*")
# the beginnings by which English, German, French, Spanish, Italian, Dutch and Polish differ
_MONTHS = {
    1: "jan jän ene gen sty", 2: "feb fév fev lut", 3: "mar mär mrz mrt maa", 4: "apr avr abr kwi",
    5: "may mai mag mei maj", 6: "jun juin giu cze", 7: "jul juil lug lip",
    8: "aug aoû aou ago sie", 9: "sep set wrz", 10: "oct okt ott out paź paz", 11: "nov lis",
    12: "dec dez déc dic gru",
}  # fmt: skip
_EARLIEST, _LATEST = date(1970, 1, 1), date(2200, 1, 1)


def read_date(text: str, field: str, *, order: str) -> date:
    """The day that ``text`` writes; a time behind it is left out.

    Args:
        text: the value.
        field: what to call it in messages.
        order: one of :data:`ORDERS`. A year of four digits may come first in any.

    Raises:
        UnreadableValueError: there is no such day, or none that a bank could mean.
    """
    found = _day(text, order)
    if found is None:
        raise UnreadableValueError(field, text, f"not a date such as {ORDERS[order]}")
    return found


def orders_of(values: Sequence[str]) -> list[str]:
    """The orders in which the most of the values are days, most likely first; none if none are.

    Where day and month could be either, points mean that the day comes first, and a list that is
    sorted by time in one order only means that order.
    """
    if not values:
        return []
    counts = {
        order: sum(_day(value, order) is not None for value in values)
        for order in ORDERS
    }  # fmt: skip
    most = max(counts.values())
    orders = [order for order in ORDERS if counts[order] == most and most > 0]
    if orders == list(ORDERS):  # the year comes first in all of them
        return ["ymd"]
    if orders == ["dmy", "mdy"]:
        if all("." in value for value in values):
            return ["dmy"]
        is_sorted = [order for order in orders if _is_sorted(_day(v, order) for v in values)]
        if len(is_sorted) == 1 and len(values) > 2:  # noqa: PLR2004 - two are always sorted
            return is_sorted
        if all(_day(value, "dmy") == _day(value, "mdy") for value in values):
            return ["dmy"]
    return orders


def is_date(text: str) -> bool:
    """Whether ``text`` is a day in any order."""
    return any(_day(text, order) is not None for order in ORDERS)


def _is_sorted(days: Iterable[date | None]) -> bool:
    known = [day for day in days if day is not None]
    return known in (sorted(known), sorted(known, reverse=True))


def _day(text: str, order: str) -> date | None:
    text = _WEEKDAY.sub("", text.strip())
    parts: dict[str, str]
    if found := _COMPACT[order].fullmatch(text):
        parts = found.groupdict()
    elif found := _YEAR_FIRST.fullmatch(text):
        parts = dict(zip("ymd", found.group("one", "two", "three"), strict=True))
    elif order != "ymd" and (found := _PARTS.fullmatch(text)):
        values = list(found.group("one", "two", "three"))
        if values[0][0].isalpha():  # Nov 27, 2026
            values[:2] = values[1::-1]
            order = "dmy"
        elif values[1][0].isalpha():
            order = "dmy"
        parts = dict(zip(order, values, strict=True))
    else:
        return None
    month = int(parts["m"]) if parts["m"].isdigit() else _month(parts["m"])
    year = int(parts["y"]) + (2000 if len(parts["y"]) == 2 else 0)  # noqa: PLR2004 - digits
    try:
        day = date(year, month, int(parts["d"]))
    except ValueError:
        return None
    return day if _EARLIEST <= day <= _LATEST else None


def _month(name: str) -> int:
    beginnings = (name[:4].lower(), name[:3].lower())
    for beginning in beginnings:
        for number, names in _MONTHS.items():
            if beginning in names.split():
                return number
    return 0
