"""Which days the statements of an account cover, and which balances of days they state."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

from gocardless.statement_files.statement import Balance, Entry, Statement

_DAY = timedelta(days=1)


@dataclass(kw_only=True)
class Period:
    """Statements of one account that follow each other without a gap.

    Attributes:
        difference: by how much the entries miss the way from the opening to the closing balance;
            none where a balance is missing.
    """

    statements: list[Statement] = field(default_factory=list)

    @property
    def entries(self) -> list[Entry]:
        """All of them, in the order of the file."""
        return [entry for statement in self.statements for entry in statement.entries]

    @property
    def first_day(self) -> date | None:
        """The first day that is known of."""
        days = [day for one in self.statements if (day := _first_day(one))]
        return min(days) if days else None

    @property
    def last_day(self) -> date | None:
        """The last day that is known of."""
        days = [day for one in self.statements if (day := _last_day(one))]
        return max(days) if days else None

    @property
    def difference(self) -> Decimal | None:
        """By how much the entries miss the way from the opening to the closing balance."""
        opening, closing = _of_kind(self.statements[0], "opening"), _end(self.statements[-1])
        if opening is None or closing is None:
            return None
        booked = sum((e.amount for e in self.entries if e.status == "booked"), Decimal(0))
        return closing.amount - opening.amount - booked

    def covered(self, *, is_period_stated: bool) -> tuple[date, date] | None:
        """The days of which the file has all that was booked, as far as it proves or states that.

        Args:
            is_period_stated: whether the format promises all entries of the period that it states.
        """
        first, last = self.first_day, self.last_day
        if first is None or last is None:
            return None
        if self.difference == 0:
            opening, closing = _of_kind(self.statements[0], "opening"), _end(self.statements[-1])
            booked = [e.booking_date for e in self.entries if e.booking_date]
            # an opening balance of the first day itself may be of any hour of it
            if opening and booked and opening.day >= min(booked):
                first = min(booked) + _DAY
            if closing and closing.kind != "closing":
                last -= _DAY
            return (first, last) if first <= last else None
        only = self.statements[0]
        is_stated = len(self.statements) == 1 and only.first_day and only.last_day
        return (first, last) if is_period_stated and is_stated else None

    def balances(self) -> list[tuple[str, date, Decimal, str]]:
        """Type, day, amount and currency of the balances, as the unified table has them."""
        found: dict[tuple[str, date, str], Decimal] = {}
        for statement in self.statements:
            booked = [e.booking_date for e in statement.entries if e.booking_date]
            for balance in statement.balances:
                kind = _TYPES[balance.kind]
                # the balance before the first booking is the closing one of that day
                if balance.kind == "opening" and booked and balance.day >= min(booked):
                    kind = "openingBooked"
                found[kind, balance.day, balance.currency] = balance.amount
        return [(kind, day, amount, currency) for (kind, day, currency), amount in found.items()]


_TYPES = {
    "opening": "closingBooked",
    "closing": "closingBooked",
    "interim": "interimBooked",
    "available": "interimAvailable",
}


def periods_of(statements: Sequence[Statement]) -> list[Period]:
    """The statements of one account, joined where one begins at the day or balance of another."""
    dated = sorted(statements, key=lambda one: _first_day(one) or date.max)
    periods: list[Period] = []
    for statement in dated:
        if periods and _follows(periods[-1], statement):
            periods[-1].statements.append(statement)
        else:
            periods.append(Period(statements=[statement]))
    return periods


def _follows(period: Period, statement: Statement) -> bool:
    last, first = period.last_day, _first_day(statement)
    closing, opening = _end(period.statements[-1]), _of_kind(statement, "opening")
    if closing and opening:
        return closing.amount == opening.amount or (last == first and first is not None)
    return last is not None and first is not None and first <= last + _DAY


def _of_kind(statement: Statement, kind: str) -> Balance | None:
    return next((balance for balance in statement.balances if balance.kind == kind), None)


def _end(statement: Statement) -> Balance | None:
    return _of_kind(statement, "closing") or _of_kind(statement, "interim")


def _first_day(statement: Statement) -> date | None:
    days = [entry.booking_date for entry in statement.entries if entry.booking_date]
    days += [statement.first_day] if statement.first_day else []
    return min(days) if days else _only_balance_day(statement)


def _last_day(statement: Statement) -> date | None:
    days = [entry.booking_date for entry in statement.entries if entry.booking_date]
    closing = _of_kind(statement, "closing")
    days += [day for day in (statement.last_day, closing.day if closing else None) if day]
    return max(days) if days else _only_balance_day(statement)


def _only_balance_day(statement: Statement) -> date | None:
    return max((balance.day for balance in statement.balances), default=None)
