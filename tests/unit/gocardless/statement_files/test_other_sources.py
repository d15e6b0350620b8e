"""A statement file and a connection, or files of two formats, of one account are one history."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.unit.gocardless.statement_files import writers
from tests.unit.gocardless.statement_files.writers import Booking, Ledger

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.statement_files.loading import import_file
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables

IBAN = "DE89370400440532013000"
TODAY = date(2026, 5, 20)
AT = datetime(2026, 5, 20, 6, tzinfo=UTC)
# text in the file, text of the API or of the other format
BOOKED = (
    (3, "-3.80", "KARTENZAHLUNG CAFE CENTRAL", "Cafe Central"),
    (3, "-3.80", "KARTENZAHLUNG CAFE CENTRAL", "Cafe Central"),
    (9, "-850.00", "Dauerauftrag Miete", "Hausverwaltung Nord"),
    (12, "2500.00", "LOHN 05/2026", "Gehalt Muster GmbH"),
)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    create_gocardless_tables(opened)
    create_unified_tables(opened)
    create_file_tables(opened)
    return opened


def take_file(
    connection: duckdb.DuckDBPyConnection,
    directory: Path,
    *,
    has_iban: bool,
    entries: Sequence[tuple[int, str, str]] = tuple(entry[:3] for entry in BOOKED),
) -> None:
    if has_iban:
        path = directory / "may.sta"
        bookings = [
            Booking(day=date(2026, 5, day), amount=Decimal(amount), text=text, party=None)
            for day, amount, text in entries
        ]
        ledger = Ledger(iban=IBAN, currency="EUR", opening=Decimal(100), bookings=bookings)
        path.write_bytes(writers.mt940(ledger, "plain"))
    else:
        path = directory / "may.csv"
        lines = [f"2026-05-{day:02},{amount},EUR,{text}\n" for day, amount, text in entries]
        path.write_text("booking_date,amount,currency,description\n" + "".join(lines), "utf-8")
    import_file(connection, path, account=None if has_iban else IBAN, at=AT)


def take_answer(connection: duckdb.DuckDBPyConnection, after: int = 0) -> None:
    today, at = TODAY + timedelta(days=after), AT + timedelta(days=after)
    account = AccountToFetch("from the API", "requisition", 90)
    window = window_of(connection, account, today=today, overlap_days=3)
    booked: list[dict[str, Any]] = [
        {
            "bookingDate": f"2026-05-{day:02}",
            "transactionAmount": {"amount": amount, "currency": "EUR"},
            "remittanceInformationUnstructured": text,
            "transactionId": f"T{number}",
        }
        for number, (day, amount, _, text) in enumerate((*BOOKED, (19, "-9.00", "", "Kino")))
    ]
    lists = {"booked": json.loads(json.dumps(booked)), "pending": []}
    record_transactions(connection, window, lists, at=at, run_id="run")
    offered = (
        f"select 'from the API' as account_id, 'c' as connection_id, 'b' as institution_id, "
        f"'{IBAN}' as iban, 'EUR' as currency, 'Anna' as owner_name, 'Giro' as name, "
        "null::varchar as masked_pan"
    )
    sync_accounts(connection, replace(GOCARDLESS, accounts=offered), now=at)
    sync_transactions(connection, GOCARDLESS)


def history(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str]]:
    return connection.execute(
        "select strftime(booking_date, '%d'), amount::decimal(9, 2)::varchar "
        "from unified.transactions where status = 'booked' order by all"
    ).fetchall()


BOTH = [
    ("03", "-3.80"), ("03", "-3.80"), ("09", "-850.00"), ("12", "2500.00"), ("19", "-9.00"),
]  # fmt: skip


@pytest.mark.parametrize("has_iban", [True, False], ids=["iban in the file", "--account IBAN"])
@pytest.mark.parametrize("is_file_first", [True, False])
def test_a_file_and_a_connection_are_one_history(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, *, has_iban: bool, is_file_first: bool
) -> None:
    if is_file_first:
        take_file(connection, tmp_path, has_iban=has_iban)
        take_answer(connection)
    else:
        take_answer(connection)
        take_file(connection, tmp_path, has_iban=has_iban)
    assert history(connection) == BOTH
    take_answer(connection, after=1)
    assert history(connection) == BOTH


OTHER_WORDS = tuple((day, amount, text) for day, amount, _, text in BOOKED)


@pytest.mark.parametrize("is_csv_first", [True, False])
def test_files_of_two_formats_and_wordings_are_one_history(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, *, is_csv_first: bool
) -> None:
    take_file(connection, tmp_path, has_iban=not is_csv_first)
    take_file(
        connection,
        tmp_path,
        has_iban=is_csv_first,
        entries=[*OTHER_WORDS, (19, "-9.00", "Kino")],
    )
    assert history(connection) == BOTH


def test_what_a_newer_file_does_not_cover_is_another_purchase(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    # both of one amount and near in time, but of the first the second file knows nothing
    take_file(connection, tmp_path, has_iban=False, entries=[(9, "-5.00", "Kiosk")])
    later = [(11, "-5.00", "Parkhaus"), (12, "-6.00", "Kino")]
    take_file(connection, tmp_path, has_iban=True, entries=later)
    assert history(connection) == [("09", "-5.00"), ("11", "-5.00"), ("12", "-6.00")]
