"""What a statement file holds, whatever its format."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal


class StatementFileError(ValueError):
    """A file that cannot be read at all; the text says where, why and what to do."""


class UnreadableValueError(ValueError):
    """A value of one entry that cannot be read.

    Attributes:
        line: of the file, from 1; none where the entry's own line is meant.
        field: what the value is for, in the words of the file.
        value: as it is in the file.
        reason: what is wrong, and what is allowed.
    """

    def __init__(self, field: str, value: str, reason: str, line: int | None = None) -> None:
        super().__init__(f"{field} {value[:60]!r}: {reason}")
        self.line = line
        self.field = field
        self.value = value
        self.reason = reason


@dataclass(frozen=True, kw_only=True)
class Account:
    """An account, as far as a file names it.

    Attributes:
        iban: without spaces.
        number: what the bank calls it where there is no IBAN, such as ``bank code/number``.
        currency: ISO 4217.
        bic: of the bank.
        owner_name: who holds it.
        name: what people call it.
    """

    iban: str | None = None
    number: str | None = None
    currency: str | None = None
    bic: str | None = None
    owner_name: str | None = None
    name: str | None = None


@dataclass(kw_only=True)
class Entry:
    """One booking.

    Attributes:
        line: where it begins in the file, from 1.
        amount: signed; negative is money that leaves the account.
        currency: of the account, ISO 4217.
        status: booked or pending.
        booking_date: the day from which it counts; none only of a pending one.
        transaction_id: the bank's own, where it has one.
        balance_after: the account's balance with it.
        counterparty_iban: the account on the other side.
        original_amount: in ``original_currency``, as it was paid.
        exchange_rate: as the bank writes it; which way round differs between banks.
        merchant_category: the four digits of ISO 18245.
    """

    line: int
    amount: Decimal
    currency: str
    status: str = "booked"
    booking_date: date | None = None
    value_date: date | None = None
    description: str = ""
    counterparty: str | None = None
    transaction_id: str | None = None
    balance_after: Decimal | None = None
    counterparty_iban: str | None = None
    end_to_end_id: str | None = None
    mandate_id: str | None = None
    original_amount: Decimal | None = None
    original_currency: str | None = None
    exchange_rate: Decimal | None = None
    merchant_category: str | None = None


@dataclass(frozen=True, kw_only=True)
class Balance:
    """A balance that the file states.

    Attributes:
        kind: opening or closing of what was booked, ``interim`` (booked until the file was made)
            or ``available``.
        day: the day that the bank names.
    """

    kind: str
    day: date
    amount: Decimal
    currency: str


@dataclass(kw_only=True)
class Statement:
    """The bookings of one account in one file, in the order of the file.

    Attributes:
        first_day: of the period, where the file states it.
        last_day: of the period, where the file states it.
    """

    account: Account
    entries: list[Entry] = field(default_factory=list)
    balances: list[Balance] = field(default_factory=list)
    first_day: date | None = None
    last_day: date | None = None


@dataclass(frozen=True, kw_only=True)
class Reject:
    """An entry that was not taken: its money is missing."""

    line: int
    field: str
    value: str
    reason: str

    @classmethod
    def of(cls, error: UnreadableValueError, line: int) -> "Reject":
        """The reject of an entry that begins in ``line``."""
        return cls(
            line=error.line or line, field=error.field, value=error.value, reason=error.reason
        )


@dataclass(frozen=True, kw_only=True)
class Note:
    """A line that is not an entry, or an optional value left empty; no money is missing."""

    line: int
    text: str


@dataclass(kw_only=True)
class StatementFile:
    """All that was read from a file."""

    file_format: str
    statements: list[Statement] = field(default_factory=list)
    rejects: list[Reject] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
