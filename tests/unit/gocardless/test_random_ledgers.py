"""2,000 true ledgers, each through answers of its bank with any faults, end as they are.

All of them are accounts of one database, which are answered and synced together day by day. A
failing account is printed with its number: the same number draws the same account.
"""

import json
import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.reading.entries import read_balances
from gocardless.extraction.tables import BALANCES
from gocardless.extraction.transactions import (
    AnswerOfWindow,
    read_answers,
    record_transactions_read,
    windows_of,
)
from gocardless.extraction.writing import upsert
from gocardless.sync.balances import sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables

HISTORIES = 2_000
BEGIN, DAYS = date(2026, 3, 2), 9
TEXTS = ("CAFE CENTRAL", "REWE MARKT", "TANKSTELLE NORD", "Tram  Ticket")
AMOUNTS = ("-3.40", "-3.40", "-3.50", "-12.00", "12.00", "2500.00")


@dataclass(frozen=True)
class Shown:
    """How the bank shows something from a day on."""

    day: date
    text: str
    amount: Decimal
    identifier: str | None
    counterparty: str | None = None


@dataclass
class Happened:
    """Something true: from ``booked_from`` to ``gone_on`` it is booked, before that pending."""

    number: int
    booked_from: date
    versions: list[tuple[date, Shown]]
    pending_from: date | None = None
    gone_on: date | None = None

    def shown(self, today: date) -> Shown:
        return [version for since, version in self.versions if since <= today][-1]

    def is_booked(self, today: date) -> bool:
        return self.booked_from <= today and (self.gone_on is None or today < self.gone_on)

    def is_pending(self, today: date) -> bool:
        return self.pending_from is not None and self.pending_from <= today < self.booked_from


@dataclass
class Account:
    """A true ledger, and what its bank makes of it."""

    name: str
    happened: list[Happened]
    identifiers: str  # none, unique, shared, new with every answer, or by position in the day
    is_sent_twice: bool
    is_shuffled: bool
    begins_empty: bool
    days: set[date] = field(default_factory=set)

    def answer(self, today: date, draw: random.Random) -> dict[str, Any]:
        first = min(self.days)
        if self.begins_empty and today == first:
            return {"booked": [], "pending": []}
        booked = [
            self._entry(item, today, number, draw)
            for number, item in enumerate(self.happened)
            if item.is_booked(today)
        ]
        pending = [
            self._entry(item, today, number, draw, kind="pending ")
            for number, item in enumerate(self.happened)
            if item.is_pending(today)
        ]
        booked.sort(key=lambda entry: entry["bookingDate"], reverse=True)
        if self.is_shuffled:
            draw.shuffle(booked)
        if self.identifiers == "position":
            places: Counter[str] = Counter()
            for entry in booked:
                places[entry["bookingDate"]] += 1
                entry["transactionId"] = f"{entry['bookingDate']}-{places[entry['bookingDate']]}"
        return {"booked": booked * (2 if self.is_sent_twice else 1), "pending": pending}

    def _entry(
        self, item: Happened, today: date, number: int, draw: random.Random, kind: str = ""
    ) -> dict[str, Any]:
        shown = item.shown(today)
        entry: dict[str, Any] = {
            "bookingDate": shown.day.isoformat(),
            "transactionAmount": {"amount": str(shown.amount), "currency": "EUR"},
            "remittanceInformationUnstructured": shown.text,
        }
        if shown.counterparty:
            entry["creditorName"] = entry["debtorName"] = shown.counterparty
        if self.identifiers == "unique":
            entry["transactionId"] = shown.identifier or f"{kind}{number}"
        if self.identifiers == "shared":
            entry["transactionId"] = "NOTPROVIDED"
        if self.identifiers == "new":
            entry["transactionId"] = f"{draw.getrandbits(64):016x}"
        return entry

    def truth(self, today: date) -> Counter[tuple[Decimal, str]]:
        return Counter(
            (shown.amount, " ".join(shown.text.split()))
            for item in self.happened
            if item.is_booked(today)
            for shown in [item.shown(today)]
        )


def account(seed: int) -> Account:
    """The account of a number."""
    draw = random.Random(seed)
    identifiers = draw.choice(("none", "unique", "shared", "new", "position"))
    found = [happening(draw, number, identifiers) for number in range(draw.randint(1, 12))]
    # something on each of two days, which a list that is sent twice shows
    found += [
        Happened(100 + day, on, [(on, Shown(on, f"MIETE {day}", Decimal(-700 - day), None))])
        for day in range(2)
        for on in [BEGIN - timedelta(days=20 + day)]
    ]
    made = Account(
        f"account {seed}",
        found,
        identifiers,
        is_sent_twice=identifiers != "position" and draw.random() < 0.15,
        is_shuffled=identifiers != "position" and draw.random() < 0.15,
        begins_empty=draw.random() < 0.1,
    )
    made.days = {BEGIN, BEGIN + timedelta(days=DAYS)} | {
        BEGIN + timedelta(days=number) for number in range(DAYS) if draw.random() < 0.6
    }
    return made


def happening(draw: random.Random, number: int, identifiers: str) -> Happened:
    day = BEGIN + timedelta(days=draw.randint(-12, DAYS))
    appears = day + timedelta(days=draw.choice((0, 0, 0, 1, 2, 6)))
    shown = Shown(day, draw.choice(TEXTS), Decimal(draw.choice(AMOUNTS)), None)
    item = Happened(number, appears, [(date.min, shown)])
    if draw.random() < 0.2:
        item.pending_from = appears - timedelta(days=draw.choice((1, 2, 4)))
    for since in sorted({draw.randint(1, DAYS) for _ in range(draw.choice((0, 0, 0, 1, 2)))}):
        shown = changed(draw, shown, f"{number} {since}", identifiers)
        item.versions.append((BEGIN + timedelta(days=since), shown))
    if draw.random() < 0.08:
        item.gone_on = appears + timedelta(days=draw.randint(1, 6))
    return item


def changed(draw: random.Random, shown: Shown, name: str, identifiers: str) -> Shown:
    """Another way to show the same; an amount changes only under an identifier of its own."""
    days, factor = draw.choice((-2, -1, 1, 2, 4)), draw.choice((Decimal(-1), Decimal("1.01")))
    ways = {
        "text": {"text": f"{name} {shown.text}"},
        "space": {"text": f" {shown.text.upper()} "},
        "party": {"counterparty": "Laden Nord"},
        "day": {"day": shown.day + timedelta(days=days)},
        "identifier": {"identifier": f"renumbered {name}"},
    }
    if identifiers == "unique":
        ways["amount"] = {"amount": (shown.amount * factor).quantize(Decimal("0.01"))}
    return replace(shown, **ways[draw.choice(list(ways))])


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("set threads = 1")
    create_gocardless_tables(opened)
    create_unified_tables(opened)
    return opened


def wrong(
    connection: duckdb.DuckDBPyConnection, accounts: list[Account], *, with_balances: bool
) -> dict[str, tuple[Counter, Counter]]:
    """The accounts that end in another ledger: what is too much, and what is missing."""
    draw = random.Random(7)
    for number in range(DAYS + 1):
        today = BEGIN + timedelta(days=number)
        at = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
        asked = [one for one in accounts if today in one.days]
        linked = [AccountToFetch(one.name, "requisition", 90) for one in asked]
        windows = windows_of(connection, linked, today=today, overlap_days=3)
        answers = [
            AnswerOfWindow(windows[one.name], json.dumps({"transactions": one.answer(today, draw)}))
            for one in asked
        ]
        read = read_answers(connection, answers)
        assert not read.rejects
        record_transactions_read(connection, read, at=at, run_id="run")
        sync_transactions(connection, GOCARDLESS)
        if with_balances:
            rows = [row for one in asked for row in balance(one, today)]
            upsert(connection, BALANCES, rows, seen_at=at, run_id="run")
            sync_balances(connection, GOCARDLESS)
    last = BEGIN + timedelta(days=DAYS)
    booked: dict[str, Counter] = {one.name: Counter() for one in accounts}
    for name, amount, text in connection.execute(
        "select account_id, amount, description from unified.transactions where status = 'booked'"
    ).fetchall():
        booked[name][amount, text] += 1
    return {
        one.name: (booked[one.name] - one.truth(last), one.truth(last) - booked[one.name])
        for one in accounts
        if booked[one.name] != one.truth(last)
    }


def balance(one: Account, today: date) -> list[dict[str, Any]]:
    amount = sum((money * count for (money, _), count in one.truth(today).items()), Decimal(1000))
    report = {
        "balanceAmount": {"amount": str(amount), "currency": "EUR"},
        "balanceType": "interimBooked",
        "referenceDate": today.isoformat(),
    }
    return read_balances(one.name, [report]).rows


@pytest.mark.parametrize("with_balances", [False, True], ids=["no balances", "balances"])
def test_every_history_ends_in_its_true_ledger(
    connection: duckdb.DuckDBPyConnection,
    *,
    with_balances: bool,
) -> None:
    accounts = [account(seed) for seed in range(HISTORIES)]
    assert wrong(connection, accounts, with_balances=with_balances) == {}
