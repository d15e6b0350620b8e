"""Card accounts, which have no IBAN: their masked number and currency say which is which."""

from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pytest
from tests.unit.gocardless.test_ledger_decisions import booked, entry, prepare, take

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import REQUISITIONS
from gocardless.bank_api.documents import AccountDetails
from gocardless.extraction.documents import details_row
from gocardless.extraction.tables import ACCOUNT_DETAILS
from gocardless.extraction.writing import upsert
from gocardless.sync.reference_data import sync_accounts

HISTORY = [entry(f"SHOP {number}", f"-{number + 1}.00", number) for number in range(9)]
PAN = "5412 75XX XXXX 1234"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    prepare(opened)
    return opened


def connect(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    cards: dict[str, dict[str, Any]],
    bank: str = "BANK",
) -> None:
    """A new connection with cards, by their id; those before have expired."""
    at = datetime(2026, 3, 2, tzinfo=UTC) + timedelta(days=number)
    connection.execute("update raw.gc_requisitions set status = 'EX'")
    requisition = {
        "requisition_id": f"connection {number}", "status": "LN", "institution_id": bank,
        "agreement_id": None, "reference": None, "account_ids": list(cards), "payload": "{}",
    }  # fmt: skip
    upsert(connection, REQUISITIONS, [requisition], seen_at=at, run_id="run")
    rows = [
        details_row(card, AccountDetails.model_validate({"currency": "EUR", **details}))
        for card, details in cards.items()
    ]
    upsert(connection, ACCOUNT_DETAILS, rows, seen_at=at, run_id="run")
    connection.execute(
        "update raw.gc_requisitions set last_seen_at = (select max(last_seen_at) "
        "from raw.gc_requisitions)"
    )
    sync_accounts(connection, GOCARDLESS, now=at)


@pytest.mark.parametrize("renewed", [PAN, "541275******1234", "5412-75xx-xxxx-1234"])
def test_a_card_of_a_renewed_connection_is_the_same_account(
    connection: duckdb.DuckDBPyConnection, renewed: str
) -> None:
    connect(connection, 0, {"old": {"maskedPan": PAN}})
    take(connection, 9, HISTORY, account="old")
    before = booked(connection)
    connect(connection, 10, {"new": {"maskedPan": renewed}})
    take(connection, 10, HISTORY, account="new")
    assert booked(connection) == before
    assert connection.execute("select account_id, status from unified.accounts").fetchall() == [
        ("old", "active")
    ]


@pytest.mark.parametrize(
    ("details", "bank"),
    [
        ({"maskedPan": "5412 75XX XXXX 9999"}, "BANK"),
        ({"maskedPan": PAN, "currency": "USD"}, "BANK"),
        ({"maskedPan": PAN}, "OTHER BANK"),
        ({}, "BANK"),
        ({"maskedPan": " "}, "BANK"),
    ],
    ids=["number", "currency", "bank", "no number", "blank"],
)
def test_another_number_currency_or_bank_is_another_account(
    connection: duckdb.DuckDBPyConnection, details: dict[str, Any], bank: str
) -> None:
    first = {"maskedPan": " "} if details == {"maskedPan": " "} else {"maskedPan": PAN}
    connect(connection, 0, {"old": first})
    connect(connection, 10, {"new": details}, bank)
    assert connection.execute("select account_id from unified.accounts order by 1").fetchall() == [
        ("new",),
        ("old",),
    ]


def test_two_cards_of_one_connection_with_one_masked_number_stay_two(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    # the digits that differ are masked
    connect(connection, 0, {"one": {"maskedPan": PAN}, "two": {"maskedPan": PAN}})
    assert connection.execute("select count(*) from unified.accounts").fetchall() == [(2,)]
    connect(connection, 10, {"three": {"maskedPan": PAN}, "four": {"maskedPan": PAN}})
    assert connection.execute("select count(*) from unified.accounts").fetchall() == [(4,)]
