"""Answers, entries and balances as real banks show them, through the whole path of the product.

The cases are not in the repository: they are beside it, in ``shared/cases/bank``.
"""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.conftest import SHARED_DATA

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.tables import ACCOUNT_DETAILS
from gocardless.extraction.transactions import record_transactions, window_of
from gocardless.extraction.writing import upsert
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables

CASES = SHARED_DATA.parent / "cases" / "bank"
ACCOUNT = AccountToFetch("account", "requisition", 90)

if not CASES.is_dir():
    pytest.skip(f"the cases are not at {CASES}", allow_module_level=True)


def cases(name: str) -> list[Any]:
    found = json.loads(Path(CASES, f"{name}.json").read_text("utf-8"))
    return [pytest.param(case, id=case["name"]) for case in found]


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    opened.execute("set threads = 1")
    create_gocardless_tables(opened)
    create_unified_tables(opened)
    return opened


def take(
    connection: duckdb.DuckDBPyConnection, seen: date, booked: list[Any], pending: list[Any]
) -> None:
    """What the bank answers on a day to what it is asked on that day."""
    window = window_of(connection, ACCOUNT, today=seen, overlap_days=3)
    first = window.date_from.isoformat()
    inside = [entry for entry in booked if entry["bookingDate"] >= first]
    at = datetime(seen.year, seen.month, seen.day, 6, tzinfo=UTC)
    lists = {"booked": inside, "pending": pending}
    record_transactions(connection, window, lists, at=at, run_id="run")
    sync_transactions(connection, GOCARDLESS)


def booked(connection: duckdb.DuckDBPyConnection) -> tuple[Decimal, int]:
    (found,) = connection.execute(
        "select coalesce(sum(amount), 0), count(*) from unified.transactions "
        "where status = 'booked'"
    ).fetchall()
    return found


@pytest.mark.parametrize("case", cases("histories"))
def test_a_history_ends_in_the_true_ledger(
    connection: duckdb.DuckDBPyConnection, case: dict[str, Any]
) -> None:
    for answer in case["answers"]:
        seen = date.fromisoformat(answer["seen"])
        take(connection, seen, answer["booked"], answer["pending"])
    truth = (Decimal(case["booked_sum"]), case["booked_rows"])
    assert booked(connection) == truth
    last = case["answers"][-1]
    third_day = date.fromisoformat(last["seen"]) + timedelta(days=1)
    take(connection, third_day, last["booked"], last["pending"])
    assert booked(connection) == truth


COLUMNS = (
    "value_date",
    "booking_date",
    "balance_after",
    "amount",
    "currency",
    "counterparty",
    "description",
    "original_amount",
    "original_currency",
)


@pytest.mark.parametrize("case", cases("entries"))
def test_an_odd_field_never_drops_the_money(
    connection: duckdb.DuckDBPyConnection, case: dict[str, Any]
) -> None:
    details = {"iban": "DE02", "currency": "EUR", "owner_name": None, "name": None}
    rest = {"product": None, "cash_account_type": None, "payload": "{}"}
    row = {"account_id": "account", **details, **rest}
    at = datetime(2026, 11, 27, tzinfo=UTC)
    upsert(connection, ACCOUNT_DETAILS, [row], seen_at=at, run_id="run")
    take(connection, date(2026, 11, 27), [case["entry"]], [])
    found = connection.execute(
        f"select {', '.join(COLUMNS)}, notes from unified.transactions"
    ).fetchall()
    rejected = connection.execute("select payload from raw.gc_rejects").fetchall()
    assert (len(found), len(rejected)) == ((1, 0) if case["taken"] else (0, 1))
    if case["taken"]:
        columns: dict[str, Any] = dict(zip((*COLUMNS, "notes"), found[0], strict=True))
        expected = {name: case[name] for name in COLUMNS if name in case}
        assert {name: columns[name] for name in expected} == {
            name: typed(name, value) for name, value in expected.items()
        }
        is_odd = None in {expected.get(name, "") for name in ("value_date", "balance_after")}
        assert bool(columns["notes"]) == is_odd
    else:
        assert json.loads(rejected[0][0]) == case["entry"]


def typed(name: str, value: str | None) -> Any:
    if value is None:
        return None
    if "date" in name:
        return date.fromisoformat(value)
    return Decimal(value) if name in {"amount", "balance_after", "original_amount"} else value
