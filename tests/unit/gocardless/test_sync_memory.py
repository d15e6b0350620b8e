"""The sync stays within its memory, also where it compares every stored row in one transaction."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction import writing
from gocardless.extraction.transactions import Window, record_transactions
from gocardless.sync.ledger import answers
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables

FIRST_DAY = date(2026, 3, 2)
ACCOUNTS, ENTRIES = 8, 2_000
ALLOWED = 64_000_000


def answer(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    first = FIRST_DAY - timedelta(days=90)
    for account in range(ACCOUNTS):
        name = f"account {account}"
        booked = [
            {
                "transactionId": f"{account}-{number:06d}",
                "bookingDate": str(FIRST_DAY - timedelta(days=number % 90)),
                "transactionAmount": {"amount": f"-{number % 97}.05", "currency": "EUR"},
                "remittanceInformationUnstructured": f"EINKAUF SAGT DANKE BELEG {number} {name}",
            }
            for number in range(ENTRIES)
        ]
        record_transactions(
            connection,
            Window(name, first, first, day),
            {"booked": booked, "pending": []},
            at=datetime(day.year, day.month, day.day, 20, tzinfo=UTC),
            run_id=str(day),
        )


def rows_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "select transaction_key, status, booking_date, amount, description "
        "from unified.transactions order by all"
    ).fetchall()


def test_a_sync_that_compares_all_rows_stays_within_its_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[int] = []
    note_answers = answers._note_answers

    def measured(connection: duckdb.DuckDBPyConnection) -> None:
        note_answers(connection)
        used = "select sum(memory_usage_bytes)::bigint from duckdb_memory()"
        held.extend(row[0] for row in connection.execute(used).fetchall())

    monkeypatch.setattr(answers, "_ACCOUNTS_OF_A_PART", 1)
    monkeypatch.setattr(answers, "_note_answers", measured)
    monkeypatch.setattr(writing, "_MEMORY_BYTES", ALLOWED)
    with duckdb.connect(str(tmp_path / "gocardless.duckdb")) as connection:
        create_gocardless_tables(connection)
        create_unified_tables(connection)
        answer(connection, FIRST_DAY)
        sync_transactions(connection, GOCARDLESS)
        before = rows_of(connection)
        # as a release left them that did not note the entries of rows
        connection.execute("update unified.transactions set entry_id = null")
        connection.execute("checkpoint")
        answer(connection, FIRST_DAY + timedelta(days=1))
        held.clear()
        sync_transactions(connection, GOCARDLESS)
        assert len(held) >= ACCOUNTS
        assert max(held) <= ALLOWED + ACCOUNTS * ENTRIES * writing._BYTES_OF_A_ROW
        assert rows_of(connection) == before
        assert len(before) == ACCOUNTS * ENTRIES
        assert connection.execute(
            "select count(*) from unified.transactions where entry_id is null"
        ).fetchone() == (0,)
