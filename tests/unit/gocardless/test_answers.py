"""Answers one after the other, as a bank returns them, and the transactions that they make."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables

ACCOUNT = AccountToFetch("account", "requisition", 90)
BEGIN = date(2026, 3, 2)
Entry = dict[str, Any]


def day(number: int) -> str:
    return (BEGIN + timedelta(days=number)).isoformat()


def entry(text: str, **fields: Any) -> Entry:
    money = {"amount": "-50.00", "currency": "EUR"}
    return {"transactionAmount": money, "remittanceInformationUnstructured": text, **fields}


def booked_on(number: int, text: str, **fields: Any) -> Entry:
    return entry(text, bookingDate=day(number), **fields)


def rent(days: int) -> list[Entry]:
    """Something every day, as a current account has."""
    return [booked_on(number, f"MIETE {number:02}") for number in range(days + 1)]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("set threads = 1")
    create_gocardless_tables(opened)
    create_unified_tables(opened)
    return opened


def take(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    booked: list[Entry],
    pending: list[Entry] | None = None,
) -> None:
    """Ask on a day, as far back as is asked by then, and sync."""
    today = BEGIN + timedelta(days=number)
    window = window_of(connection, ACCOUNT, today=today, overlap_days=3)
    inside = [
        one
        for one in booked
        if window.date_from.isoformat() <= one["bookingDate"] <= window.date_to.isoformat()
    ]
    lists = {"booked": inside, "pending": pending or []}
    at = datetime(today.year, today.month, today.day, 6, tzinfo=UTC)
    record_transactions(connection, window, lists, at=at, run_id="run")
    sync_transactions(connection, GOCARDLESS)


def found(connection: duckdb.DuckDBPyConnection, text: str) -> list[tuple[str, str]]:
    return connection.execute(
        "select status, cast(booking_date as varchar) from unified.transactions "
        "where description like ? order by all",
        [f"{text}%"],
    ).fetchall()


@pytest.mark.parametrize("booked", [0, 2, 4, 6, 8])
def test_what_was_pending_without_a_date_is_booked_with_any_day_since(
    connection: duckdb.DuckDBPyConnection, booked: int
) -> None:
    hotel = entry("HOTEL BERLIN", transactionId="h1")
    for number in range(9):
        take(connection, number, rent(number), [hotel])
    take(connection, 9, [*rent(9), booked_on(booked, "HOTEL BERLIN", transactionId="h2")])
    assert ("booked", day(booked)) in found(connection, "HOTEL")


def test_what_was_pending_with_a_later_date_than_its_booking_is_not_lost(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    for number in range(8):
        take(connection, number, rent(number), [entry("HOTEL BERLIN", valueDate=day(8))])
    take(connection, 8, [*rent(8), booked_on(0, "HOTEL BERLIN", valueDate=day(8))])
    assert ("booked", day(0)) in found(connection, "HOTEL")


def test_entries_with_the_vendors_identifier_are_there_once_however_often_they_are_sent(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    first, second, third = (
        booked_on(0, f"LADEN {name}", internalTransactionId=name) for name in "ABC"
    )
    hotel = entry("HOTEL", internalTransactionId="H")
    take(connection, 0, [first, second, first, second, third], [hotel, hotel])
    assert len(found(connection, "LADEN")) == 3
    assert len(found(connection, "HOTEL")) == 1
    take(connection, 1, [first, first, second, third], [])
    assert len(found(connection, "LADEN")) == 3


def test_equal_purchases_without_it_happened_as_often_as_they_are_there(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    coffee, bread = booked_on(0, "KAFFEE"), booked_on(0, "BROT")
    take(connection, 0, [coffee, coffee, bread])
    take(connection, 1, [coffee, coffee, bread])
    assert (len(found(connection, "KAFFEE")), len(found(connection, "BROT"))) == (2, 1)
