"""What the sync and the balance decide about accounts and purchases, and what undoes it."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.reading.entries import READER, read_balances
from gocardless.extraction.reading.rejected_entries import retry_rejects
from gocardless.extraction.tables import BALANCES, REJECTS
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.extraction.writing import upsert
from gocardless.ledger import main
from gocardless.sync.balances import sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts
from gocardless.sync.tables import create_unified_tables
from gocardless.tagging.application import tag_by_hand
from gocardless.tagging.tables import create_tag_tables
from shared_lib.warehouse import read_warehouse, write_warehouse

BEGIN = date(2026, 3, 2)
Entry = dict[str, Any]


def entry(text: str, amount: str = "-5.00", number: int = 0, **fields: Any) -> Entry:
    return {
        "bookingDate": (BEGIN + timedelta(days=number)).isoformat(),
        "transactionAmount": {"amount": amount, "currency": "EUR"},
        "remittanceInformationUnstructured": text,
        **fields,
    }


def opened() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute("set threads = 1")
    prepare(connection)
    return connection


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    create_gocardless_tables(connection)
    create_unified_tables(connection)
    create_tag_tables(connection)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    return opened()


def take(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    booked: list[Entry],
    *,
    balance: str | None = None,
    account: str = "account",
) -> None:
    today = BEGIN + timedelta(days=number)
    at = datetime(today.year, today.month, today.day, 20, tzinfo=UTC)
    linked = AccountToFetch(account, "requisition", 90)
    window = window_of(connection, linked, today=today, overlap_days=3)
    record_transactions(connection, window, {"booked": booked}, at=at, run_id="run")
    sync_transactions(connection, GOCARDLESS)
    if balance is not None:
        money = {"amount": balance, "currency": "EUR"}
        day = today.isoformat()
        report = {"balanceAmount": money, "balanceType": "interimBooked", "referenceDate": day}
        rows = read_balances(account, [report]).rows
        upsert(connection, BALANCES, rows, seen_at=at, run_id="run")
        sync_balances(connection, GOCARDLESS)


def link(connection: duckdb.DuckDBPyConnection, account: str, number: int, status: str) -> None:
    """A connection with one account, by its own id and the IBAN of all."""
    at = BEGIN + timedelta(days=number)
    connection.execute("update raw.gc_requisitions set status = ?", [status])
    connection.execute(
        "insert into raw.gc_requisitions values (?, 'LN', 'BANK', null, null, [?], '{}', ?, ?, "
        "'run', 'run')",
        [f"of {account}", account, at, at],
    )
    connection.execute("update raw.gc_requisitions set last_seen_at = ?", [at])
    connection.execute(
        "insert into raw.gc_bank_accounts values (?, ?, 'BANK', 'DE02 1203', 'READY', null, "
        "'Giro', '{}', ?, ?, 'run', 'run')",
        [account, f"of {account}", at, at],
    )
    sync_accounts(connection, GOCARDLESS, now=datetime(at.year, at.month, at.day, tzinfo=UTC))


def booked(connection: duckdb.DuckDBPyConnection) -> list[tuple[str, str, Decimal]]:
    return connection.execute(
        "select account_id, description, amount from unified.transactions "
        "where status = 'booked' order by all"
    ).fetchall()


HISTORY = [entry(f"SHOP {number}", f"-{number + 1}.00", number) for number in range(24)]


@pytest.mark.parametrize("status", ["EX", "LN"])
def test_a_first_answer_that_is_short_takes_nothing_from_what_another_connection_has_seen(
    connection: duckdb.DuckDBPyConnection, status: str
) -> None:
    link(connection, "old", 0, "LN")
    take(connection, 24, HISTORY, account="old")
    before = booked(connection)
    link(connection, "new", 25, status)
    take(connection, 25, HISTORY[-1:], account="new")
    assert booked(connection) == before
    take(connection, 26, HISTORY, account="new")
    assert booked(connection) == before
    # from the second answer on the bank's word counts
    take(connection, 27, HISTORY[:-1], account="new")
    assert booked(connection) == [row for row in before if row[1] != "SHOP 23"]


@pytest.mark.parametrize("status", ["EX", "LN"])
def test_a_renewed_or_joint_connection_is_the_same_account(
    connection: duckdb.DuckDBPyConnection, status: str
) -> None:
    link(connection, "old", 0, "LN")
    take(connection, 24, HISTORY, account="old")
    before = booked(connection)
    link(connection, "new", 25, status)
    take(connection, 25, HISTORY, account="new")
    assert booked(connection) == before
    assert len(before) == 24
    assert connection.execute(
        "select account_id, connection_id, status from unified.accounts"
    ).fetchall() == [("old", "of new", "active")]


def test_what_was_stored_of_both_before_they_were_known_as_one_is_merged_with_its_tags(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    take(connection, 24, HISTORY, account="old")
    take(connection, 25, [*HISTORY, entry("NEW", "-77.00", 25)], account="new")
    assert len(booked(connection)) == 49
    connection.execute(
        "insert into unified.accounts (provider, account_id, connection_id, iban, status) values "
        "('gocardless', 'old', 'of old', 'DE021203', 'active'), "
        "('gocardless', 'new', 'of new', null, 'active')"
    )
    [(key,)] = connection.execute(
        "select transaction_key from unified.transactions "
        "where account_id = 'new' and description = 'SHOP 3'"
    ).fetchall()
    tag_by_hand(connection, key, "food", by="anna", at=datetime(2026, 4, 1, tzinfo=UTC))
    link(connection, "new", 26, "EX")
    assert len(booked(connection)) == 25
    assert {account for account, _, _ in booked(connection)} == {"old"}
    assert connection.execute(
        "select description from unified.transactions "
        "semi join unified.transaction_tags using (transaction_key)"
    ).fetchall() == [("SHOP 3",)]


def test_the_balance_decides_whether_a_list_of_one_day_came_twice(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    tickets = [entry("TRAM A", "-2.50", 1), entry("TRAM B", "-2.90", 1)]
    for account, money, rows in (("twice sent", "94.60", 2), ("twice bought", "89.20", 4)):
        take(connection, 0, [entry("SALARY", "100.00")], balance="100.00", account=account)
        take(connection, 1, [entry("SALARY", "100.00"), *tickets * 2], balance=money,
             account=account)  # fmt: skip
        take(connection, 2, [entry("SALARY", "100.00"), *tickets * 2], balance=money,
             account=account)  # fmt: skip
        found = [row for row in booked(connection) if row[0] == account]
        assert len(found) == rows + 1


def test_what_an_answer_lacks_and_the_balance_has_is_not_withdrawn(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    salary, shop = entry("SALARY", "100.00"), entry("SHOP", "-30.00")
    take(connection, 0, [salary, shop], balance="70.00")
    take(connection, 1, [salary], balance="70.00")
    assert len(booked(connection)) == 2
    take(connection, 2, [salary], balance="100.00")
    assert [text for _, text, _ in booked(connection)] == ["SALARY"]


@pytest.fixture
def warehouse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    path = tmp_path / "data" / "gocardless.duckdb"
    path.parent.mkdir()
    return path


def test_a_person_splits_and_merges_and_no_later_answer_changes_it(
    warehouse: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with write_warehouse(warehouse) as connection:
        prepare(connection)
        take(connection, 0, [entry("OTHER", "-1.00"), entry("26.11 SHOP")])
        take(connection, 1, [entry("OTHER", "-1.00"), entry("SHOP")])
        [(key,)] = connection.execute(
            "select transaction_key from unified.transactions where description = 'SHOP'"
        ).fetchall()
    assert main(["show", key]) == 0
    assert "reworded: the only one of its amount that is gone" in capsys.readouterr().out
    assert main(["split", key, "--by", "anna", "--because", "two visits"]) == 0
    other = capsys.readouterr().out.splitlines()[0]
    with write_warehouse(warehouse) as connection:
        take(connection, 2, [entry("OTHER", "-1.00"), entry("SHOP")])
        assert [text for _, text, _ in booked(connection)] == ["26.11 SHOP", "OTHER", "SHOP"]
    assert main(["merge", other, key, "--by", "anna"]) == 0
    with write_warehouse(warehouse) as connection:
        take(connection, 3, [entry("OTHER", "-1.00"), entry("SHOP")])
    with read_warehouse(warehouse) as connection:
        assert [text for _, text, _ in booked(connection)] == ["OTHER", "SHOP"]
    assert main(["split", "nonsense"]) == 1
    assert "there is no transaction nonsense" in capsys.readouterr().err


def test_what_an_older_reader_refused_is_tried_again_once_and_is_in_the_ledger_once(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    at = datetime(2026, 3, 3, 20, tzinfo=UTC)
    take(connection, 1, [entry("TRAM", "-2.50"), entry("OTHER", "-.50")])
    refused = {"account_id": "account", "scope": "transactions", "reason": "old", "reader": None}
    payloads = [json.dumps(entry("TRAM", text, 1)) for text in ("-2.50", "-1,234.56")]
    rows = [{**refused, "payload_digest": one, "payload": one, "status": None} for one in payloads]
    upsert(connection, REJECTS, rows, seen_at=at, run_id="run")
    assert retry_rejects(connection, at=at, run_id="run") == 1
    assert retry_rejects(connection, at=at, run_id="run") == 0
    sync_transactions(connection, GOCARDLESS)
    assert len(booked(connection)) == 3
    left = connection.execute("select reader from raw.gc_rejects").fetchall()
    assert left == [(READER,)]
    take(connection, 2, [entry("TRAM", "-2.50"), entry("OTHER", "-.50"), entry("TRAM", "-2.50", 1)])
    assert len(booked(connection)) == 3


def test_many_equal_amounts_are_paired_by_rank(connection: duckdb.DuckDBPyConnection) -> None:
    fees = [entry(f"FEE {number}", "-1.50") for number in range(3_000)]
    take(connection, 0, fees)
    take(connection, 1, [entry(f"FEE {number} OF MARCH", "-1.50") for number in range(3_000)])
    assert len(booked(connection)) == 3_000
    decided = connection.execute(
        "select distinct decision, evidence from unified.transaction_history "
        "where decision is not null"
    ).fetchall()
    assert decided == [("reworded", "one of many of its amount, by rank")]
