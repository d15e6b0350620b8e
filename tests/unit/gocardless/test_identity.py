"""Whatever a bank does to its answers, the synced ledger is the true one."""

import random
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.sync.ledger import answers as ledger
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.ledger import Fault, TrueLedger, TrueTransaction, presented

ACCOUNT = AccountToFetch("account", "requisition", 90)
BEGIN = date(2026, 3, 2)
DAYS = 24
TEXTS = ("CAFE CENTRAL", "REWE MARKT", "TANKSTELLE NORD")


@dataclass
class Bank:
    """A warehouse that fetches from a ledger day by day."""

    ledger: TrueLedger
    connection: duckdb.DuckDBPyConnection
    draw: random.Random

    def fetch(self, today: date) -> None:
        window = window_of(self.connection, ACCOUNT, today=today, overlap_days=3)
        lists = presented(
            self.ledger,
            today=today,
            date_from=window.date_from,
            date_to=window.date_to,
            draw=self.draw,
        )
        at = datetime(today.year, today.month, today.day, 6, tzinfo=UTC)
        record_transactions(self.connection, window, lists, at=at, run_id="run")

    def sync(self) -> None:
        sync_transactions(self.connection, GOCARDLESS)

    def rows(self, status: str) -> list[tuple]:
        return self.connection.execute(
            "select amount, description, booking_date from unified.transactions "
            "where status = ? order by all",
            [status],
        ).fetchall()

    def states(self) -> list[tuple]:
        # but for the identifier, which may be another one with every answer
        return self.connection.execute(
            "select * exclude (provider_transaction_id) from unified.transaction_states "
            "order by all"
        ).fetchall()


def bank(transactions: list[TrueTransaction], *faults: Fault) -> Bank:
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    create_gocardless_tables(connection)
    create_unified_tables(connection)
    ledger = TrueLedger("account", "EUR", transactions=transactions, faults=frozenset(faults))
    return Bank(ledger, connection, random.Random(7))


def background() -> list[TrueTransaction]:
    """Two different things a day: no answer consists of one entry alone."""
    return [
        TrueTransaction(
            number=1000 + 2 * day + half,
            amount=Decimal(-1000 - half),
            text=f"MIETE {chr(97 + day)}{half}",
            counterparty="Nord",
            booked_on=BEGIN + timedelta(days=day),
        )
        for day in range(-6, DAYS + 12)
        for half in range(2)
    ]


@st.composite
def happenings(draw: st.DrawFn) -> list[TrueTransaction]:
    """Things that happen to an account; those whose date moves have a text of their own."""
    found = []
    for number in range(draw(st.integers(1, 14))):
        day = BEGIN + timedelta(days=draw(st.integers(0, DAYS)))
        moves_by = draw(st.sampled_from((0, 0, 0, 1, -1)))
        text = draw(st.sampled_from(TEXTS)) + (f" BELEG {chr(97 + number) * 3}" if moves_by else "")
        pending_days = draw(st.sampled_from((None, None, 1, 3, 7)))
        vanishes = pending_days is not None and draw(st.integers(0, 3)) == 0
        found.append(
            TrueTransaction(
                number=number,
                amount=Decimal(draw(st.sampled_from(("-3.40", "-3.50", "12.00")))),
                text=text,
                pending_text=text if draw(st.booleans()) else f"VORGEMERKT {text}",
                counterparty="Laden",
                booked_on=None if vanishes else day,
                pending_on=None if pending_days is None else day - timedelta(days=pending_days),
                gone_on=day,
                moves_by=moves_by,
                moves_on=day + timedelta(days=draw(st.integers(0, 5))),
                late_by=draw(st.sampled_from((0, 0, 1, 2))),
            )
        )
    return found


ID_FAULTS = (
    Fault.MISSING_IDS, Fault.EMPTY_IDS, Fault.BLANK_IDS, Fault.SHARED_IDS, Fault.CHANGING_IDS,
)  # fmt: skip
OTHER_FAULTS = (
    Fault.MISSING_INTERNAL_IDS, Fault.CHANGING_INTERNAL_IDS, Fault.PAGE_TWICE, Fault.SHUFFLED,
)  # fmt: skip


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    happened=happenings(),
    id_fault=st.sampled_from((None, *ID_FAULTS)),
    faults=st.sets(st.sampled_from(OTHER_FAULTS)),
    steps=st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=1, max_size=7),
)
def test_any_overlapping_fetches_end_in_the_true_ledger(happened, id_fault, faults, steps) -> None:
    found = bank(background() + happened, *faults, *([id_fault] if id_fault else []))
    today = BEGIN
    found.fetch(today)
    for days, syncs in steps:
        today += timedelta(days=days)
        found.fetch(today)
        if syncs:
            found.sync()
    found.sync()
    truth = Counter(
        (item.amount, item.text)
        for item in found.ledger.transactions
        if item.is_booked(today) and item.booking_date(today) >= BEGIN - timedelta(days=90)
    )
    booked = Counter((amount, text) for amount, text, _ in found.rows("booked"))
    # those whose date has moved beyond today are not shown for a day, if they never were before
    hidden = Counter(
        (item.amount, item.text)
        for item in found.ledger.transactions
        if item.is_booked(today) and item.booking_date(today) > today
    )
    assert booked - truth == Counter()
    assert truth - booked - hidden == Counter()
    if Fault.PAGE_TWICE not in faults:
        pending = sum(item.is_pending(today) for item in found.ledger.transactions)
        assert len(found.rows("pending")) == pending

    before = found.connection.execute("from unified.transactions order by all").fetchall()
    history = found.states()
    found.sync()
    assert found.connection.execute("from unified.transactions order by all").fetchall() == before
    found.fetch(today)
    found.sync()
    assert Counter((amount, text) for amount, text, _ in found.rows("booked")) == booked
    again = found.states()
    assert again == history


def purchase(number: int, **fields) -> TrueTransaction:
    defaults = {
        "amount": Decimal("-3.40"),
        "text": "CAFE CENTRAL",
        "counterparty": "Cafe",
        "booked_on": BEGIN,
    }
    return TrueTransaction(number=number, **{**defaults, **fields})


def test_a_pending_entry_that_is_booked_is_one_row_whose_history_shows_both() -> None:
    later = BEGIN + timedelta(days=3)
    found = bank(
        [*background(), purchase(1, booked_on=later, pending_on=BEGIN, pending_text="VORM. CAFE")],
        Fault.CHANGING_IDS,
    )
    found.fetch(BEGIN)
    found.sync()
    assert found.rows("pending") == [(Decimal("-3.40"), "VORM. CAFE", BEGIN)]
    found.fetch(later)
    found.sync()
    assert found.rows("pending") == []
    assert (Decimal("-3.40"), "CAFE CENTRAL", later) in found.rows("booked")
    history = found.connection.execute(
        "select status, history.booking_date, history.description "
        "from unified.transaction_states as history "
        "where transaction_key = (select transaction_key from unified.transactions "
        "where description = 'CAFE CENTRAL') order by fetch_number"
    ).fetchall()
    assert history == [
        ("pending", BEGIN, "VORM. CAFE"),
        ("booked", later, "CAFE CENTRAL"),
    ]


def test_another_amount_is_another_transaction() -> None:
    later = BEGIN + timedelta(days=1)
    found = bank(
        [
            *background(),
            purchase(1, booked_on=None, pending_on=BEGIN, gone_on=later),
            purchase(2, amount=Decimal("-3.41"), booked_on=later),
        ]
    )
    found.fetch(BEGIN)
    found.sync()
    found.fetch(later)
    found.sync()
    assert found.rows("vanished") == [(Decimal("-3.40"), "CAFE CENTRAL", BEGIN)]
    assert (Decimal("-3.41"), "CAFE CENTRAL", later) in found.rows("booked")


def test_two_identical_purchases_of_one_day_are_two_rows_though_the_page_came_twice() -> None:
    faults = (Fault.MISSING_IDS, Fault.MISSING_INTERNAL_IDS, Fault.PAGE_TWICE)
    found = bank([*background(), purchase(1), purchase(2)], *faults)
    for days in range(3):
        found.fetch(BEGIN + timedelta(days=days))
        found.sync()
    assert [row for row in found.rows("booked") if row[1] == "CAFE CENTRAL"] == [
        (Decimal("-3.40"), "CAFE CENTRAL", BEGIN)
    ] * 2


def test_a_sync_that_breaks_off_leaves_nothing_and_the_next_one_makes_it_good(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = bank([*background(), purchase(1)])
    found.fetch(BEGIN)
    counted = ledger._count

    def die_at_the_end(connection: duckdb.DuckDBPyConnection, table: str) -> int:
        if table == "asked":
            raise KeyboardInterrupt
        return counted(connection, table)

    with monkeypatch.context() as patch:
        patch.setattr(ledger, "_count", die_at_the_end)
        with pytest.raises(KeyboardInterrupt):
            found.sync()
    assert found.rows("booked") == []
    found.sync()
    assert (Decimal("-3.40"), "CAFE CENTRAL", BEGIN) in found.rows("booked")


def cafes(found: Bank) -> list[date]:
    return [day for _, text, day in found.rows("booked") if text == "CAFE CENTRAL"]


def follow(found: Bank, *days: int) -> None:
    for day in days:
        found.fetch(BEGIN + timedelta(days=day))
        found.sync()


def test_an_identical_purchase_that_is_shown_a_day_late_is_a_second_row() -> None:
    found = bank([*background(), purchase(1), purchase(2, late_by=1)], Fault.MISSING_IDS)
    follow(found, 0, 1, 2)
    assert cafes(found) == [BEGIN, BEGIN]


def test_an_entry_in_the_place_of_another_with_another_amount_is_a_second_row() -> None:
    found = bank([*background(), purchase(1)], Fault.MISSING_IDS)
    follow(found, 0)
    found.ledger.transactions[-1] = purchase(2, amount=Decimal("-3.60"))
    follow(found, 1)
    assert (Decimal("-3.60"), "CAFE CENTRAL", BEGIN) in found.rows("booked")
    assert found.rows("withdrawn") == [(Decimal("-3.40"), "CAFE CENTRAL", BEGIN)]


def test_two_identical_pending_entries_become_two_booked_rows() -> None:
    day = BEGIN + timedelta(days=1)
    twins = [purchase(number, pending_on=BEGIN, booked_on=day) for number in (1, 2)]
    found = bank([*background(), *twins], Fault.MISSING_IDS)
    follow(found, 0, 1)
    assert cafes(found) == [day, day]
    assert found.rows("vanished") == []


@pytest.mark.parametrize("other", [{}, {"text": "KINO", "counterparty": "Kino"}])
def test_an_identifier_that_all_entries_share_books_nothing(other: dict[str, str]) -> None:
    pending = purchase(2, booked_on=None, pending_on=BEGIN, **other)
    # of texts that are alike an identifier of two entries is the only evidence
    entries = [purchase(1), pending] if other else [*background(), purchase(1), pending]
    found = bank(entries, Fault.SHARED_IDS)
    follow(found, 0, 1)
    assert (cafes(found), len(found.rows("pending"))) == ([BEGIN], 1)


def test_an_entry_that_is_pending_and_booked_in_one_answer_is_booked() -> None:
    found = bank([*background(), purchase(1)])
    lists = presented(found.ledger, today=BEGIN, date_from=BEGIN, date_to=BEGIN, draw=found.draw)
    lists["pending"] = [entry for entry in lists["booked"] if "CAFE" in str(entry)]
    window = window_of(found.connection, ACCOUNT, today=BEGIN, overlap_days=3)
    at = datetime(2026, 3, 2, 6, tzinfo=UTC)
    record_transactions(found.connection, window, lists, at=at, run_id="run")
    found.sync()
    assert (cafes(found), found.rows("pending")) == ([BEGIN], [])


def test_what_was_pending_for_long_is_found_though_it_is_dated_before_the_overlap() -> None:
    found = bank([*background(), purchase(1, pending_on=BEGIN, late_by=8)])
    follow(found, *range(9))
    assert cafes(found) == [BEGIN]
    assert found.rows("vanished") == []


# On the third day, the fifth after the first, entries of day -1 or later are asked for, and from
# day 1 on new ones are created.
@pytest.mark.parametrize("day", [-2, -1, 0, 1])
def test_what_moves_into_the_window_from_before_it_is_not_new(day: int) -> None:
    moved = purchase(
        1,
        booked_on=BEGIN + timedelta(days=day),
        moves_on=BEGIN + timedelta(days=5),
        moves_by=1,
    )
    found = bank([*background(), moved], Fault.MISSING_IDS)
    follow(found, 0, 4, 5)
    assert len(cafes(found)) == 1


def test_a_text_that_the_bank_changes_is_recognised_by_an_identifier_that_stands_alone() -> None:
    found = bank([*background(), purchase(1)])
    follow(found, 0)
    found.ledger.transactions[-1] = purchase(1, text="CAFE CENTRAL BERLIN DANKT")
    follow(found, 1)
    assert cafes(found) == []
    assert (Decimal("-3.40"), "CAFE CENTRAL BERLIN DANKT", BEGIN) in found.rows("booked")
    history = found.connection.execute(
        "select count(*) from unified.transaction_states where description like 'CAFE%'"
    ).fetchall()
    assert history == [(2,)]


def test_a_pending_entry_that_is_gone_for_a_day_is_the_same_when_it_is_back() -> None:
    item = purchase(1, booked_on=None, pending_on=BEGIN)
    found = bank([*background(), item])
    follow(found, 0)
    found.ledger.transactions.remove(item)
    follow(found, 1)
    assert len(found.rows("vanished")) == 1
    found.ledger.transactions.append(item)
    follow(found, 2)
    assert (len(found.rows("vanished")), len(found.rows("pending"))) == (0, 1)
    states = found.connection.execute(
        "select states.status, states.seen_at = first_seen_at "
        "from unified.transaction_states as states "
        "inner join unified.transactions using (transaction_key) "
        "where states.description = 'CAFE CENTRAL' "
        "order by states.fetch_number"
    ).fetchall()
    assert states == [("pending", True), ("vanished", False), ("pending", False)]
