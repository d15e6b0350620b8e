"""What an entry of the API becomes in ``unified.transactions``."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.transactions import Window, record_transactions
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.tables import create_unified_tables

DAY = date(2026, 5, 4)


def synced(status: str = "booked", **fields: Any) -> dict[str, Any]:
    """The row of one entry."""
    entry = {
        "transactionAmount": {"amount": "-12.30", "currency": "EUR"},
        "bookingDate": DAY.isoformat(),
        **fields,
    }
    with duckdb.connect() as connection:
        create_gocardless_tables(connection)
        create_unified_tables(connection)
        window = Window("account", DAY, DAY, DAY)
        lists = {"booked": [], "pending": [], status: [entry]}
        read = record_transactions(
            connection, window, lists, at=datetime(2026, 5, 4, tzinfo=UTC), run_id="run"
        )
        assert read.rejects == []
        sync_transactions(connection, GOCARDLESS)
        found = connection.execute("from unified.transactions")
        names = [column[0] for column in found.description or ()]
        rows = found.fetchall()
    assert len(rows) == 1
    return dict(zip(names, rows[0], strict=True))


@pytest.mark.parametrize(
    ("fields", "description"),
    [
        ({"remittanceInformationUnstructured": "  REWE \n MARKT\t12 "}, "REWE MARKT 12"),
        ({"remittanceInformationUnstructuredArray": ["REWE", " MARKT 12 "]}, "REWE MARKT 12"),
        ({"remittanceInformationStructured": "RF18 5390"}, "RF18 5390"),
        ({"remittanceInformationStructuredArray": ["RF18", "5390"]}, "RF18 5390"),
        (
            {
                "remittanceInformationUnstructured": "  ",
                "remittanceInformationStructured": "RF18 5390",
            },
            "RF18 5390",
        ),
        ({"additionalInformation": "Kartenzahlung"}, "Kartenzahlung"),
        ({}, ""),
    ],
)
def test_the_description_is_cleaned_from_the_first_field_that_says_something(
    fields: dict[str, Any], description: str
) -> None:
    assert synced(**fields)["description"] == description


def test_amount_dates_counterparty_and_balance_are_taken() -> None:
    row = synced(
        valueDate="2026-05-05",
        creditorName="Hausverwaltung  Nord",
        debtorName="Erika Mustermann",
        balanceAfterTransaction={"balanceAmount": {"amount": "87.70", "currency": "EUR"}},
    )
    assert row["amount"] == Decimal("-12.30")
    assert (row["currency"], row["status"]) == ("EUR", "booked")
    assert (row["booking_date"], row["value_date"]) == (DAY, date(2026, 5, 5))
    assert row["counterparty"] == "Hausverwaltung Nord"
    assert row["balance_after"] == Decimal("87.70")


def test_of_money_that_comes_the_counterparty_is_who_sent_it() -> None:
    row = synced(
        transactionAmount={"amount": "12.30", "currency": "EUR"},
        creditorName="Erika Mustermann",
        debtorName="Muster GmbH",
    )
    assert row["counterparty"] == "Muster GmbH"
