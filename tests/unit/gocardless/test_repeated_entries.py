"""What an answer repeats is neither stored nor read nor compared again; the ledger is the same."""

import json
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.unit.gocardless.test_random_ledgers import BEGIN, DAYS, Account, account

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.queries import ENTRIES, SIGHTINGS
from gocardless.extraction.reading import bulk_reader
from gocardless.extraction.reading.entries import READER
from gocardless.extraction.reading.rejected_entries import retry_rejects
from gocardless.extraction.tables import REJECTS
from gocardless.extraction.transactions import (
    AnswerOfWindow,
    Window,
    read_answers,
    record_transactions,
    record_transactions_read,
)
from gocardless.extraction.writing import upsert
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.provider import Provider
from gocardless.sync.tables import create_unified_tables

FIRST_DAY = date(2026, 3, 2)
BEFORE_MIGRATIONS = Path(__file__).parents[2] / "integration/gocardless/before_migrations.sql"
# As providers do that state no sightings: each answer with all of its entries.
COMPARES_ALL = replace(
    GOCARDLESS,
    sightings=None,
    entries=f"""
        select entry.*, answer.fetch_number, sighting.copies
        from raw.gc_fetches as answer
        inner join ({SIGHTINGS}) as sighting
            on sighting.account_id = answer.account_id
                and answer.fetch_number between sighting.first_fetch_number
                    and coalesce(sighting.last_fetch_number, answer.fetch_number)
                and (answer.is_whole or answer.fetch_number = sighting.first_fetch_number)
        inner join ({ENTRIES}) as entry
            on entry.account_id = sighting.account_id and entry.status = sighting.status
                and entry.entry_id = sighting.entry_id
    """,
)


def entry(text: str, amount: str = "-5.00", number: int = 0, **fields: Any) -> dict[str, Any]:
    return {
        "bookingDate": (FIRST_DAY + timedelta(days=number)).isoformat(),
        "transactionAmount": {"amount": amount, "currency": "EUR"},
        "remittanceInformationUnstructured": text,
        **fields,
    }


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return opened()


def opened() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("set threads = 1")
    create_gocardless_tables(made)
    create_unified_tables(made)
    return made


def take(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    booked: list[dict[str, Any]],
    pending: list[dict[str, Any]] | None = None,
) -> None:
    today = FIRST_DAY + timedelta(days=number)
    first = today - timedelta(days=90)
    at = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
    lists = {"booked": booked, "pending": pending or []}
    record_transactions(
        connection, Window("account", first, first, today), lists, at=at, run_id="run"
    )


def ranges(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select description, sighting.status, copies, first_fetch_number, last_fetch_number "
        "from raw.gc_sightings as sighting "
        "inner join raw.gc_transactions using (account_id, status, payload_digest) order by all"
    ).fetchall()


def test_an_answer_adds_rows_for_what_has_changed_alone(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    known = [entry(f"SHOP {number}", f"-{number}.00") for number in range(1, 4)]
    take(connection, 0, known, [entry("HOTEL")])
    take(connection, 1, known, [entry("HOTEL")])
    take(connection, 2, known[1:])
    take(connection, 3, [*known, known[2]])
    assert ranges(connection) == [
        ("HOTEL", "pending", 1, 1, 2),
        # a gap is not bridged
        ("SHOP 1", "booked", 1, 1, 2),
        ("SHOP 1", "booked", 1, 4, None),
        ("SHOP 2", "booked", 1, 1, None),
        # of which there are two now
        ("SHOP 3", "booked", 1, 1, 3),
        ("SHOP 3", "booked", 2, 4, None),
    ]


@pytest.mark.parametrize("kept", ["null", "payload_hash + 1"])
def test_a_repeat_without_its_hash_is_recognised_by_its_digest_and_has_it_then(
    connection: duckdb.DuckDBPyConnection, kept: str
) -> None:
    known = [entry("SHOP"), entry("TRAM"), entry("TRAM")]
    hashes = "select account_id, payload_digest, payload_hash from raw.gc_sightings order by all"
    take(connection, 0, known)
    before = connection.execute(hashes).fetchall()
    assert None not in {row[2] for row in before}
    connection.execute(f"update raw.gc_sightings set payload_hash = {kept}")
    take(connection, 1, known)
    assert connection.execute("select count(*) from read_entries").fetchone() == (0,)
    assert connection.execute(hashes).fetchall() == before
    assert [row[3:] for row in ranges(connection)] == [(1, None), (1, None)]


def test_an_answer_that_is_not_whole_ends_and_extends_nothing(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    take(connection, 0, [entry("SHOP")])
    reject = {
        "account_id": "account",
        "scope": "transactions",
        "payload_digest": "digest",
        "reason": "of an older reader",
        "payload": json.dumps(entry("REFUSED BEFORE")),
        "status": "booked",
        "reader": READER - 1,
    }
    at = datetime(2026, 3, 3, tzinfo=UTC)
    upsert(connection, REJECTS, [reject], seen_at=at, run_id="run")
    assert retry_rejects(connection, at=at, run_id="run") == 1
    take(connection, 1, [entry("SHOP")])
    assert ranges(connection) == [
        ("REFUSED BEFORE", "booked", 1, 2, 2),
        ("SHOP", "booked", 1, 1, None),
    ]
    assert sync_transactions(connection, GOCARDLESS).fetches == 3
    assert connection.execute(
        "select description, status, last_fetch_number from unified.transactions order by all"
    ).fetchall() == [("REFUSED BEFORE", "withdrawn", 2), ("SHOP", "booked", 3)]


def test_what_is_repeated_is_not_read_again(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    # one of them twice, without an identifier
    known = [entry("SHOP"), entry("TRAM"), entry("TRAM")]
    take(connection, 0, known)

    def must_not_be_called(*_: Any, **__: Any) -> None:
        raise AssertionError("read one by one")

    monkeypatch.setattr(bulk_reader, "read_transactions", must_not_be_called)
    take(connection, 1, [entry("NEW"), *known])
    assert connection.execute("select description from read_entries").fetchall() == [("NEW",)]
    assert connection.execute("select count(*) from raw.gc_sightings").fetchone() == (3,)


def test_an_answer_that_cannot_be_read_ends_nothing(connection: duckdb.DuckDBPyConnection) -> None:
    take(connection, 0, [entry("SHOP")])
    window = Window("account", FIRST_DAY, FIRST_DAY, FIRST_DAY)
    read = read_answers(connection, [AnswerOfWindow(window, "<html>busy</html>")])
    at = datetime(2026, 3, 3, tzinfo=UTC)
    record_transactions_read(connection, read, at=at, run_id="run")
    assert ranges(connection) == [("SHOP", "booked", 1, 1, None)]


def test_a_repeated_entry_is_not_compared_unless_it_shares_an_identifier(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    take(connection, 0, [entry("SHOP", transactionId="1"), entry("TRAM", transactionId="2")])
    sync_transactions(connection, GOCARDLESS)
    take(
        connection,
        1,
        [
            entry("SHOP", transactionId="1"),
            entry("TRAM", transactionId="2"),
            entry("CAFE", "-7.00", transactionId="2"),
        ],
    )
    sync_transactions(connection, GOCARDLESS)
    compared = "select description from fetched order by all"
    assert connection.execute(compared).fetchall() == [("CAFE",), ("TRAM",)]
    assert connection.execute(
        "select description, status, last_fetch_number from unified.transactions order by all"
    ).fetchall() == [("CAFE", "booked", 2), ("SHOP", "booked", 2), ("TRAM", "booked", 2)]


def ledger(accounts: list[Account], provider: Provider) -> list[tuple[Any, ...]]:
    """All that is stored of the accounts, but the keys that distinguish equal rows."""
    connection, draw = opened(), random.Random(7)
    for number in range(DAYS + 1):
        today = BEGIN + timedelta(days=number)
        first = today - timedelta(days=90)
        answers = [
            AnswerOfWindow(
                Window(one.name, first, first, today),
                json.dumps({"transactions": one.answer(today, draw)}),
            )
            for one in accounts
            if today in one.days
        ]
        at = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
        record_transactions_read(connection, read_answers(connection, answers), at=at, run_id="r")
        sync_transactions(connection, provider)
    return connection.execute(
        "select account_id, status, booking_date, amount, description, counterparty, "
        "provider_transaction_id, first_fetch_number, last_fetch_number, first_seen_at, "
        "last_seen_at from unified.transactions order by all"
    ).fetchall()


def test_a_ledger_is_the_same_as_if_all_of_each_answer_were_compared() -> None:
    accounts = [account(seed) for seed in range(300)]
    assert ledger(accounts, GOCARDLESS) == ledger(accounts, COMPARES_ALL)


def test_rows_of_the_release_before_are_joined_without_a_gap() -> None:
    connection = duckdb.connect()
    connection.execute(BEFORE_MIGRATIONS.read_text("utf-8"))
    [(account_id,)] = connection.execute("select account_id from raw.gc_fetches").fetchall()
    for number in (2, 3, 5, 6):
        connection.execute(
            "insert into raw.gc_fetches select ? as fetch_number, * exclude (fetch_number) "
            "from raw.gc_fetches where fetch_number = 1",
            [number],
        )
    # an answer of another account lies in between
    connection.execute(
        "insert into raw.gc_fetches select 4, 'other', * exclude (fetch_number, account_id) "
        "from raw.gc_fetches where fetch_number = 1"
    )
    digests = [
        digest
        for (digest,) in connection.execute(
            "select payload_digest from raw.gc_sightings order by all"
        ).fetchall()
    ]
    seen = {digests[0]: (2, 3, 5, 6), digests[1]: (3, 6), digests[2]: (2,)}
    for digest, numbers in seen.items():
        for number in numbers:
            connection.execute(
                "insert into raw.gc_sightings values (?, ?, 'booked', ?, 1)",
                [number, account_id, digest],
            )
    create_gocardless_tables(connection)
    assert connection.execute(
        "select payload_digest, first_fetch_number, last_fetch_number from raw.gc_sightings "
        "order by all"
    ).fetchall() == [
        (digests[0], 1, None),
        (digests[1], 1, 1),
        (digests[1], 3, 3),
        (digests[1], 6, None),
        (digests[2], 1, 2),
    ]
