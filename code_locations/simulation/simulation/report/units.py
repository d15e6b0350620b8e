"""Formats the numbers of the report: thousands separators, units, a dash for no value."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeGuard

NONE = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"
_NO_BREAK = "\N{NO-BREAK SPACE}"
_FEW_DIGITS = 100
_SCALES = (
    (1e9, f"USD{_NO_BREAK}billion"),
    (1e6, f"USD{_NO_BREAK}million"),
    (1e3, f"USD{_NO_BREAK}thousand"),
)


def _is_number(value: float | None) -> TypeGuard[float]:
    return value is not None and math.isfinite(value)


def _typeset(text: str) -> str:
    """Replace the hyphen with a minus sign, and drop it from a value that rounds to zero."""
    if text.startswith("-") and not text.strip(f"-0.,%{_NO_BREAK}"):
        text = text[1:]
    return text.replace("-", _MINUS)


def count(value: float | None) -> str:
    """Return a whole number with thousands separators."""
    return _typeset(f"{value:,.0f}") if _is_number(value) else NONE


def change(value: float | None) -> str:
    """Return a whole number with its sign; zero has no sign."""
    text = count(value)
    return f"+{text}" if value is not None and value > 0 and text not in {"0", NONE} else text


def decimal(value: float | None, digits: int) -> str:
    """Return a number with a fixed number of decimals."""
    return _typeset(f"{value:,.{digits}f}") if _is_number(value) else NONE


def share(value: float | None, digits: int = 1) -> str:
    """Return a ratio in percent: 0.031 becomes 3.1 %."""
    if not _is_number(value):
        return NONE
    return _typeset(f"{value * 100:,.{digits}f}{_NO_BREAK}%")


def share_change(value: float | None, digits: int = 1) -> str:
    """Return a ratio in percent with its sign: 0.031 becomes +3.1 %."""
    text = share(value, digits)
    return f"+{text}" if value is not None and value > 0 and text != NONE else text


def measurement(value: float | None) -> str:
    """Return a value of unknown unit with up to six decimals, none if it is whole."""
    if not _is_number(value):
        return NONE
    text = f"{value:,.6f}".rstrip("0").rstrip(".")
    return _typeset(text)


@dataclass(frozen=True, slots=True)
class MoneyScale:
    """The unit that best suits amounts of one magnitude, and its decimals."""

    divisor: float
    unit: str
    digits: int

    @classmethod
    def of_changes(cls, amounts: Iterable[float | None]) -> "MoneyScale":
        """Return the scale for amounts, in USD, whose changes matter: 1,588.3 USD million."""
        return cls._fitting(amounts, 10.0)

    @classmethod
    def of_total(cls, amount: float) -> "MoneyScale":
        """Return the scale for one amount, in USD, to read at a glance: USD 1.59 billion."""
        return cls._fitting([amount], 1.0)

    @classmethod
    def _fitting(cls, amounts: Iterable[float | None], at_least: float) -> "MoneyScale":
        largest = max(
            (abs(amount) for amount in amounts if amount is not None and math.isfinite(amount)),
            default=0.0,
        )
        for divisor, unit in _SCALES:
            if largest >= at_least * divisor:
                return cls(divisor, unit, 1 if largest >= _FEW_DIGITS * divisor else 2)
        return cls(1.0, "USD", 0)

    def scaled(self, amount: float) -> float:
        """Return an amount in USD in this unit."""
        return amount / self.divisor

    def number(self, amount: float | None) -> str:
        """Return an amount in USD as a number of this unit; a heading names the unit."""
        return decimal(None if amount is None else amount / self.divisor, self.digits)

    def amount(self, amount: float | None) -> str:
        """Return an amount in USD with the unit: USD 1.25 billion."""
        currency, _, magnitude = self.unit.partition(_NO_BREAK)
        return _NO_BREAK.join(part for part in (currency, self.number(amount), magnitude) if part)

    def change(self, amount: float) -> str:
        """Return an amount in USD as a signed number of this unit."""
        text = self.number(amount)
        return f"+{text}" if amount > 0 else text
