"""Settings of accounts and banks: whose go before whose, and a bank with the opposite sign."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.unit.gocardless.test_ledger_decisions import booked, entry, link, prepare, take

from gocardless.accounts.settings import (
    AccountSettings,
    BankSettings,
    SettingsFile,
    load_settings,
)
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.statement_files.loading import import_file
from gocardless.sync.account_settings import apply_settings, bank_defaults
from gocardless.sync.balances import create_balance_tables
from gocardless.sync.ledger.rebuilding import rebuild_ledger
from gocardless.sync.reference_data import sync_accounts
from shared_lib.configuration.validated_yaml import ConfigurationError

AT = datetime(2026, 5, 4, 20, tzinfo=UTC)
NOTHING = SettingsFile()
REVERSED = SettingsFile(accounts=[AccountSettings(account="DE021203", sign="reversed")])
# what a card's bank sends: the purchase and what is owed are positive, a payment is negative
BOUGHT = entry("COOP", "31.95", creditorName="COOP", debtorName="HOLDER")
PAID = entry(
    "PAYMENT", "-20.00", 1, debtorAccount={"iban": "SE35 5000"}, creditorAccount={"iban": "SE1"}
)


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    opened = duckdb.connect()
    prepare(opened)
    create_balance_tables(opened)
    link(opened, "card", 0, "LN")
    return opened


def ledger(connection: duckdb.DuckDBPyConnection) -> list[list[tuple]]:
    return [
        connection.execute(query).fetchall()
        for query in (
            "select description, amount, balance_after, original_amount, counterparty, "
            "counterparty_iban, status from unified.transactions order by all",
            "select amount from unified.balances order by all",
            "select opening_balance from unified.opening_balances",
            "select amount, decision from unified.transaction_states order by all",
        )
    ]


def days(connection: duckdb.DuckDBPyConnection) -> None:
    """Two answers: in the second one the purchase is worded anew."""
    after = {"balanceAfterTransaction": {"amount": "31.95", "currency": "EUR"}}
    exchange = {"instructedAmount": {"amount": "350.00", "currency": "SEK"}}
    first = {**BOUGHT, **after, "currencyExchange": exchange}
    take(connection, 1, [first, PAID], balance="11.95", account="card")
    reworded = {**first, "remittanceInformationUnstructured": "COOP VASTRA"}
    take(connection, 2, [reworded, PAID], balance="11.95", account="card")


def test_money_that_leaves_is_negative_whatever_the_bank_sends(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    apply_settings(connection, REVERSED)
    days(connection)
    transactions, balances, opening, _ = ledger(connection)
    assert transactions == [
        ("COOP VASTRA", Decimal("-31.95"), Decimal("-31.95"), Decimal(-350), "COOP", None, "booked"),  # noqa: E501
        ("PAYMENT", Decimal(20), None, None, None, "SE355000", "booked"),
    ]  # fmt: skip
    assert set(balances) == {(Decimal("-11.95"),)}
    assert opening == [(Decimal(0),)]


@pytest.mark.parametrize("when", [1, 2])
def test_a_sign_that_is_set_later_and_taken_back_is_as_if_it_had_always_been_so(
    connection: duckdb.DuckDBPyConnection, when: int
) -> None:
    if when == 1:
        apply_settings(connection, REVERSED)
    days(connection)
    first = ledger(connection)
    others = [NOTHING, REVERSED] if when == 1 else [REVERSED, NOTHING]
    apply_settings(connection, others[0])
    changed = ledger(connection)
    assert changed != first
    with duckdb.connect() as anew:
        prepare(anew)
        create_balance_tables(anew)
        link(anew, "card", 0, "LN")
        apply_settings(anew, others[0])
        days(anew)
        assert ledger(anew) == changed
    assert rebuild_ledger(connection, at=AT).changed == {}
    # the next answer recognises all of them
    days(connection)
    assert len(booked(connection)) == 2
    apply_settings(connection, others[1])
    assert ledger(connection)[0] == first[0]


STATEMENT = """:20:1
:25:DE02120300000000202051
:28C:1
:60F:C260101EUR0,00
:61:2601020102D10,00NMSCNONREF
:86:OLD PURCHASE
:61:2601030103C4,00NMSCNONREF
:86:OLD PAYMENT
:62F:D260103EUR6,00
-
"""


@pytest.mark.parametrize("order", ["file first", "connection first"])
def test_what_files_say_keeps_its_sign(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path, order: str
) -> None:
    file = tmp_path / "card.sta"
    file.write_text(STATEMENT)
    reversed_card = SettingsFile(accounts=[AccountSettings(account="card", sign="reversed")])

    def known(opened: duckdb.DuckDBPyConnection) -> None:
        opened.execute("update raw.gc_bank_accounts set iban = 'DE02 1203 0000 0000 2020 51'")
        sync_accounts(opened, GOCARDLESS, now=AT)

    def fill(opened: duckdb.DuckDBPyConnection) -> None:
        steps = [lambda: import_file(opened, file, at=AT), lambda: days(opened)]
        for step in steps if order == "file first" else reversed(steps):
            step()

    known(connection)
    fill(connection)
    apply_settings(connection, reversed_card)
    with duckdb.connect() as anew:
        prepare(anew)
        create_balance_tables(anew)
        link(anew, "card", 0, "LN")
        known(anew)
        apply_settings(anew, reversed_card)
        fill(anew)
        assert ledger(connection) == ledger(anew)
    assert {(account, amount) for account, _, amount in booked(connection)} == {
        ("card", Decimal(amount)) for amount in (-10, 4, "-31.95", 20)
    }
    assert {amount for (amount,) in ledger(connection)[1]} == {0, -6, Decimal("-11.95")}
    again = ledger(connection)
    apply_settings(connection, NOTHING)
    assert {amount for (amount,) in ledger(connection)[1]} == {0, -6, Decimal("11.95")}
    apply_settings(connection, reversed_card)
    assert ledger(connection) == again


def test_an_account_goes_before_its_bank_and_that_before_what_is_shipped(
    connection: duckdb.DuckDBPyConnection, monkeypatch: pytest.MonkeyPatch
) -> None:
    shipped = BankSettings(
        institution="BANK", sign="reversed", balance_type="expected", date_used="value"
    )
    monkeypatch.setattr("gocardless.sync.account_settings.bank_defaults", lambda: [shipped])
    bank = BankSettings(institution="BANK", balance_type="closingBooked", sign="as_sent")
    account = AccountSettings(account="card", sign="reversed", display_name="Card")
    for settings, expected in (
        (NOTHING, ("reversed", "expected", "value", None)),
        (SettingsFile(banks=[bank]), ("as_sent", "closingBooked", "value", None)),
        (
            SettingsFile(banks=[bank], accounts=[account]),
            ("reversed", "closingBooked", "value", "Card"),
        ),
    ):
        apply_settings(connection, settings)
        assert connection.execute(
            "select sign, balance_type, date_used, display_name from unified.account_settings"
        ).fetchall() == [expected]


def test_the_shipped_default_of_a_bank_is_applied_to_its_accounts(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    shipped: Sequence[BankSettings] = bank_defaults()
    assert len({one.institution for one in shipped}) == len(shipped) > 0
    connection.execute(
        "update unified.accounts set institution_id = ?",
        [next(one.institution for one in shipped if one.sign == "reversed")],
    )
    apply_settings(connection, NOTHING)
    take(connection, 1, [BOUGHT], account="card")
    assert [amount for _, _, amount in booked(connection)] == [Decimal("-31.95")]


def test_a_wrong_sign_is_explained(tmp_path: Path) -> None:
    file = tmp_path / "accounts.yaml"
    file.write_text("accounts:\n  - account: card\n    sign: positive\n")
    with pytest.raises(ConfigurationError, match=r"accounts.yaml:3: .*sign.*as_sent.*reversed"):
        load_settings(file)
