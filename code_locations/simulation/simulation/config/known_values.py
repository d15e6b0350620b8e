"""What is wrong with a value of a known event, in words; ``""`` for an allowed one."""

import re
from collections.abc import Iterable
from datetime import date
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_LARGEST_PAY = Decimal(10) ** 12
_LONGEST_FILL = 3650


def day(value: str, first: date, last: date) -> str:
    """Check a day that lies in the simulated years."""
    allowed = f"allowed is a day from {first} to {last}"
    if not _DAY.fullmatch(value):
        return f"not a day, got {value!r}, {allowed}, such as {first}"
    try:
        found = date.fromisoformat(value)
    except ValueError:
        return f"not a day of the calendar, got {value!r}, {allowed}"
    return "" if first <= found <= last else f"outside the years, got {value!r}, {allowed}"


def day_from(value: str, first: str) -> str:
    """Check a day that is not before another, which is checked by itself elsewhere."""
    try:
        is_day = bool(_DAY.fullmatch(value)) and date.fromisoformat(value) is not None
    except ValueError:
        is_day = False
    if not is_day:
        return f"not a day, got {value!r}, allowed is a day such as 2026-05-31"
    # days in this form are in the order of their text
    if _DAY.fullmatch(first) and value < first:
        return f"before the first day, got {value!r}, allowed is {first} or later"
    return ""


def amount(value: str) -> str:
    """Check pay for a full year."""
    try:
        found = Decimal(value)
        exponent = found.as_tuple().exponent
    except InvalidOperation:
        found, exponent = Decimal(0), 0
    if isinstance(exponent, int) and exponent >= -2 and 0 < found < _LARGEST_PAY:  # noqa: PLR2004 - cents
        return ""
    return f"not pay, got {value!r}, allowed is an amount above 0 with at most two decimals"


def share(value: str) -> str:
    """Check a share of one."""
    if re.fullmatch(r"(0(\.\d{1,6})?|1(\.0{1,6})?)", value):
        return ""
    return f"not a share, got {value!r}, allowed is a number from 0 to 1"


def working_time(value: str) -> str:
    """Check a share of full time."""
    if not share(value) and float(value) > 0:
        return ""
    return f"not a share of full time, got {value!r}, allowed is a number above 0 up to 1"


def whole_number(value: str) -> str:
    """Check a number of days."""
    if re.fullmatch(r"\d{1,4}", value) and int(value) <= _LONGEST_FILL:
        return ""
    return f"not a number of days, got {value!r}, allowed is a whole number to {_LONGEST_FILL}"


def did_you_mean(value: str, allowed: Iterable[str]) -> str:
    """Return the end of a sentence that names the nearest allowed value, if one is near."""
    nearest = get_close_matches(value, list(allowed), n=1, cutoff=0.5)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""
