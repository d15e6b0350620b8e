"""The true ledger of a sandbox account, and how a bank shows it on a given day.

The ledger records what happened. A bank shows it with faults: identifiers that are missing, blank,
shared or new with every call, dates that move, texts that change when a pending entry is booked,
and lists that are sent twice. ``presented`` returns one answer of such a bank.
"""

import random
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

Entry = dict[str, Any]


class Fault(StrEnum):
    """What a bank gets wrong in every answer."""

    MISSING_IDS = "missing_ids"
    EMPTY_IDS = "empty_ids"
    BLANK_IDS = "blank_ids"
    SHARED_IDS = "shared_ids"
    CHANGING_IDS = "changing_ids"
    MISSING_INTERNAL_IDS = "missing_internal_ids"
    CHANGING_INTERNAL_IDS = "changing_internal_ids"
    PAGE_TWICE = "page_twice"
    SHUFFLED = "shuffled"


@dataclass(frozen=True, kw_only=True)
class TrueTransaction:
    """Something that happened to an account.

    Attributes:
        number: identifies it, whatever the bank shows.
        amount: signed amount.
        booked_on: the booking date; None if it is never booked.
        late_by: days after the booking date on which it appears as booked.
        pending_on: the day from which it is shown as pending; None if it never is.
        gone_on: if it is never booked, the day from which it is no longer pending.
        text: the remittance information when booked.
        pending_text: the same while it is pending.
        counterparty: the receiver or sender of the money.
        moves_on: a day from which the bank shows another booking date.
        moves_by: the days by which that date differs.
    """

    number: int
    amount: Decimal
    text: str
    counterparty: str
    booked_on: date | None
    pending_on: date | None = None
    gone_on: date | None = None
    pending_text: str | None = None
    moves_on: date | None = None
    moves_by: int = 0
    late_by: int = 0

    @property
    def appears_on(self) -> date | None:
        """The day from which it is shown as booked."""
        return self.booked_on and self.booked_on + timedelta(days=self.late_by)

    def is_booked(self, today: date) -> bool:
        """Return whether it is booked on ``today``."""
        return self.appears_on is not None and self.appears_on <= today

    def is_pending(self, today: date) -> bool:
        """Return whether it is pending on ``today``."""
        if self.pending_on is None or self.pending_on > today:
            return False
        end = self.appears_on or self.gone_on
        return end is None or today < end

    def booking_date(self, today: date) -> date:
        """Return the date that the bank shows for the booked entry."""
        assert self.booked_on is not None
        moved = self.moves_on is not None and today >= self.moves_on
        return self.booked_on + timedelta(days=self.moves_by if moved else 0)


@dataclass
class TrueLedger:
    """Everything that happened to an account.

    Attributes:
        account_id: the account.
        currency: ISO 4217 code.
        opening_balance: the balance before the first transaction.
        transactions: what happened, in any order.
        faults: what the bank gets wrong.
    """

    account_id: str
    currency: str
    opening_balance: Decimal = Decimal(0)
    transactions: list[TrueTransaction] = field(default_factory=list)
    faults: frozenset[Fault] = frozenset()

    def balance(self, today: date) -> Decimal:
        """Return the booked balance as of ``today``."""
        booked = (item.amount for item in self.transactions if item.is_booked(today))
        return sum(booked, self.opening_balance)


def presented(
    ledger: TrueLedger, *, today: date, date_from: date, date_to: date, draw: random.Random
) -> dict[str, list[Entry]]:
    """Return the lists ``booked`` and ``pending`` of one answer.

    Args:
        ledger: what happened.
        today: the day of the answer.
        date_from: the first requested booking date.
        date_to: the last requested booking date.
        draw: generates the identifiers that change with each answer.
    """
    booked = [
        _booked_entry(ledger, item, today, draw)
        for item in ledger.transactions
        if item.is_booked(today) and date_from <= item.booking_date(today) <= date_to
    ]
    pending = [
        _pending_entry(ledger, item, draw) for item in ledger.transactions if item.is_pending(today)
    ]
    booked.sort(key=lambda entry: entry["bookingDate"], reverse=True)
    if Fault.SHUFFLED in ledger.faults:
        draw.shuffle(booked)
    if Fault.PAGE_TWICE in ledger.faults:
        booked, pending = booked * 2, pending * 2
    return {"booked": booked, "pending": pending}


def _booked_entry(
    ledger: TrueLedger, item: TrueTransaction, today: date, draw: random.Random
) -> Entry:
    shown = item.booking_date(today).isoformat()
    entry = {
        **_common(ledger, item, text=item.text),
        "bookingDate": shown,
        "valueDate": shown,
        "internalTransactionId": _identifier(ledger, item, "internal"),
    }
    return _with_identifiers(ledger, item, entry, draw)


def _pending_entry(ledger: TrueLedger, item: TrueTransaction, draw: random.Random) -> Entry:
    assert item.pending_on is not None
    text = item.text if item.pending_text is None else item.pending_text
    entry = {
        **_common(ledger, item, text=text),
        "valueDate": item.pending_on.isoformat(),
        "internalTransactionId": _identifier(ledger, item, "pending internal"),
    }
    return _with_identifiers(ledger, item, entry, draw, kind="pending ")


def _common(ledger: TrueLedger, item: TrueTransaction, *, text: str) -> Entry:
    party = "debtorName" if item.amount > 0 else "creditorName"
    return {
        "transactionAmount": {"amount": f"{item.amount:.2f}", "currency": ledger.currency},
        party: item.counterparty,
        "remittanceInformationUnstructured": text,
    }


def _with_identifiers(
    ledger: TrueLedger, item: TrueTransaction, entry: Entry, draw: random.Random, *, kind: str = ""
) -> Entry:
    faults = ledger.faults
    if Fault.MISSING_INTERNAL_IDS in faults:
        del entry["internalTransactionId"]
    elif Fault.CHANGING_INTERNAL_IDS in faults:
        entry["internalTransactionId"] = f"{draw.getrandbits(64):016x}"
    if Fault.MISSING_IDS in faults:
        return entry
    if Fault.EMPTY_IDS in faults:
        return {**entry, "transactionId": ""}
    if Fault.BLANK_IDS in faults:
        return {**entry, "transactionId": "   "}
    if Fault.SHARED_IDS in faults:
        return {**entry, "transactionId": "NOTPROVIDED"}
    if Fault.CHANGING_IDS in faults:
        return {**entry, "transactionId": f"{draw.getrandbits(64):016x}"}
    return {**entry, "transactionId": _identifier(ledger, item, kind)}


def _identifier(ledger: TrueLedger, item: TrueTransaction, kind: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{ledger.account_id} {item.number} {kind}").hex[:20]


_PAY_DAY = 27
_SHOPS = (
    ("REWE MARKT", Decimal("-12.00"), Decimal("-95.00")),
    ("STADTBAECKEREI", Decimal("-2.10"), Decimal("-9.80")),
    ("DEUTSCHE BAHN", Decimal("-9.90"), Decimal("-129.00")),
    ("CAFE CENTRAL", Decimal("-3.40"), Decimal("-3.40")),
    ("APOTHEKE AM RING", Decimal("-4.00"), Decimal("-40.00")),
)


def believable_months(
    account_id: str, currency: str, *, until: date, days: int, seed: int
) -> TrueLedger:
    """Return an account with salary, rent and daily purchases, some pending at the end."""
    draw = random.Random(seed)  # noqa: S311 - believable, not secret
    ledger = TrueLedger(account_id, currency, opening_balance=Decimal("1500.00"))
    begin = until - timedelta(days=days)
    happened = (item for day in range(days + 3) for item in _one_day(begin, day, draw))
    for number, item in enumerate(happened):
        ledger.transactions.append(TrueTransaction(number=number, **item))
    return ledger


def _one_day(begin: date, number: int, draw: random.Random) -> Iterator[dict[str, Any]]:
    day = begin + timedelta(days=number)
    if day.day == 1:
        yield _plain("-850.00", "Miete Wohnung 12", "Hausverwaltung Nord", day)
    if day.day == _PAY_DAY:
        yield _plain("2650.00", f"Gehalt {day:%m/%Y}", "Muster GmbH", day)
    for _ in range(draw.choice((0, 1, 1, 2, 3))):
        shop, most, least = draw.choice(_SHOPS)
        cents = draw.randint(int(least * 100), int(most * 100))
        yield {
            "amount": Decimal(cents) / 100,
            "text": f"{shop} SAGT DANKE {day:%d.%m.}",
            "pending_text": f"{shop}",
            "counterparty": shop.title(),
            "booked_on": day,
            "pending_on": day - timedelta(days=draw.randint(1, 3)),
        }


def _plain(amount: str, text: str, counterparty: str, day: date) -> dict[str, Any]:
    return {
        "amount": Decimal(amount),
        "text": text,
        "counterparty": counterparty,
        "booked_on": day,
    }


def booked_truth(ledgers: Sequence[TrueLedger], today: date) -> list[tuple[str, Decimal, str]]:
    """Return account, amount and text of all booked entries, sorted: a sync's correct result."""
    return sorted(
        (ledger.account_id, item.amount, item.text)
        for ledger in ledgers
        for item in ledger.transactions
        if item.is_booked(today)
    )
