"""Enable Banking's entries become the rows that GoCardless' entries become."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from gocardless.enable_banking.translation import balance, transaction_lists
from gocardless.extraction.reading.entries import read_balances, read_transactions

ENTRY: dict[str, Any] = {
    "entry_reference": "E-1",
    "transaction_id": "7-BOOK",
    "transaction_amount": {"amount": "10.50", "currency": "EUR"},
    "credit_debit_indicator": "DBIT",
    "status": "BOOK",
    "booking_date": "2026-05-03",
    "value_date": "2026-05-04",
    "merchant_category_code": "5411",
    "creditor": {"name": "Shop Ltd"},
    "creditor_account": {"iban": "GB33 BUKB 2020 1555 5555 55"},
    "debtor": {"name": "Erika Mustermann"},
    "remittance_information": ["CARD", "SHOP"],
    "exchange_rate": {
        "exchange_rate": "0.875",
        "unit_currency": "GBP",
        "instructed_amount": {"amount": "9.19", "currency": "GBP"},
    },
    "balance_after_transaction": {"amount": "89.50", "currency": "EUR"},
}


def row(**changes: Any) -> dict[str, Any]:
    lists = transaction_lists([{**ENTRY, **changes}])
    (found,) = read_transactions("a", lists).rows
    return found


def test_each_field_has_its_column() -> None:
    expected = {
        "status": "booked",
        "transaction_id": "E-1",
        "booking_date": date(2026, 5, 3),
        "value_date": date(2026, 5, 4),
        "amount": Decimal("-10.50"),
        "currency": "EUR",
        "description": "CARD SHOP",
        "counterparty": "Shop Ltd",
        "counterparty_iban": "GB33BUKB20201555555555",
        "merchant_category": "5411",
        "original_amount": Decimal("-9.19"),
        "original_currency": "GBP",
        "exchange_rate": Decimal("0.875"),
        "balance_after": Decimal("89.50"),
        "notes": None,
    }
    found = row()
    assert {name: found[name] for name in expected} == expected


def test_the_indicator_alone_is_the_sign() -> None:
    minus = {"amount": "-10.50", "currency": "EUR"}
    assert row(transaction_amount=minus)["amount"] == Decimal("-10.50")
    assert row(credit_debit_indicator="CRDT")["amount"] == Decimal("10.50")
    assert row(credit_debit_indicator="CRDT")["counterparty"] == "Erika Mustermann"


def test_an_entry_is_the_same_though_its_place_in_the_list_is_another() -> None:
    assert row()["payload_digest"] == row(transaction_id="8-BOOK")["payload_digest"]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("BOOK", "booked"),
        ("PDNG", "pending"),
        ("HOLD", "pending"),
        ("OTHR", "pending"),
        ("CNCL", None),
        ("RJCT", None),
        ("SCHD", None),
    ],
)
def test_a_status_says_whether_money_has_moved(status: str, expected: str | None) -> None:
    rows = read_transactions("a", transaction_lists([{**ENTRY, "status": status}])).rows
    assert [found["status"] for found in rows] == ([expected] if expected else [])


@pytest.mark.parametrize(
    "entry",
    [
        "no object",
        {**ENTRY, "credit_debit_indicator": "?"},
        {**ENTRY, "credit_debit_indicator": ["DBIT"]},
        {**ENTRY, "status": ["BOOK"], "transaction_amount": None},
        {**ENTRY, "transaction_amount": {"amount": 10.5, "currency": "EUR"}},
        {**ENTRY, "booking_date": None, "value_date": None},
    ],
)
def test_an_entry_without_money_or_day_is_refused_and_not_dropped(entry: Any) -> None:
    found = read_transactions("a", transaction_lists([entry]))
    assert (len(found.rows), len(found.rejects)) == (0, 1)


def test_a_balance_has_its_type_and_day() -> None:
    sent = {
        "name": "Booked",
        "balance_amount": {"amount": "-12.00", "currency": "EUR"},
        "balance_type": "CLBD",
        "reference_date": "2026-05-03",
    }
    (found,) = read_balances("a", [balance(sent)]).rows
    assert (found["balance_type"], found["amount"]) == ("CLBD", Decimal("-12.00"))
    assert found["reference_date"] == date(2026, 5, 3)
