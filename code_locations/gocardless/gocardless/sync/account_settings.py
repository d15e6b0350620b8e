"""The settings of the accounts that are known, written where the sync and the marts read them."""

from collections.abc import Iterable, Sequence
from typing import Any

import duckdb

from gocardless.accounts.settings import (
    BANK_DEFAULTS,
    AccountSettings,
    BankDefaults,
    BankSettings,
    SettingsFile,
)
from gocardless.statement_files.provider import STATEMENT_FILES
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.balances import create_balance_tables
from gocardless.sync.ledger.rebuilding import read_rows
from gocardless.sync.ledger.signs import REVERSED, reverse_stored
from gocardless.sync.restated_balances import openings_follow, reverse_balances
from shared_lib.configuration.validated_yaml import load_yaml, validate_document
from shared_lib.warehouse import transaction

_COLUMNS = ("date_used", "balance_type", "credit_line", "display_name", "sign")


def bank_defaults() -> Sequence[BankSettings]:
    """What is shipped for banks; each default has its reason and source in the file."""
    return validate_document(load_yaml(BANK_DEFAULTS), BankDefaults, path=BANK_DEFAULTS).banks


def apply_settings(connection: duckdb.DuckDBPyConnection, settings: SettingsFile) -> None:
    """Write the settings of the accounts that are known.

    An account's go before its bank's, and those before the shipped defaults. Where an account's
    sign changes, what is stored of it is reversed.

    Args:
        connection: a warehouse with the unified tables and that of settings, outside a transaction.
        settings: all that there are; what is not among them is removed.
    """
    defaults = bank_defaults()
    rows: dict[tuple[str, str], dict[str, Any]] = {}
    for provider, account_id, iban, institution_id in connection.execute(
        "select provider, account_id, upper(replace(iban, ' ', '')), institution_id "
        "from unified.accounts"
    ).fetchall():
        merged = {
            **_of_bank(defaults, institution_id),
            **_of_bank(settings.banks, institution_id),
            **_of_account(settings.accounts, {account_id, iban}),
        }
        if merged:
            rows[provider, account_id] = merged
    create_file_tables(connection)
    create_balance_tables(connection)
    with transaction(connection):
        before = _reversed(connection)
        connection.execute("delete from unified.account_settings")
        for key, merged in rows.items():
            connection.execute(
                f"insert into unified.account_settings (provider, account_id, "  # noqa: S608 - own names
                f"{', '.join(_COLUMNS)}) values (?, ?{', ?' * len(_COLUMNS)})",
                [*key, *(merged.get(name) for name in _COLUMNS)],
            )
        _reverse_changed(connection, before ^ _reversed(connection))


def _of_bank(banks: Iterable[BankSettings], institution_id: str | None) -> dict[str, Any]:
    found = next((one for one in banks if one.institution == institution_id), None)
    return found.model_dump(exclude_none=True, include=set(_COLUMNS)) if found else {}


def _of_account(accounts: Iterable[AccountSettings], names: set[str | None]) -> dict[str, Any]:
    for one in accounts:
        if one.account in names or one.account.replace(" ", "").upper() in names:
            return one.model_dump(exclude_none=True, include=set(_COLUMNS))
    return {}


def _reversed(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    return set(
        connection.execute(
            "select provider, account_id from unified.account_settings where sign = ?", [REVERSED]
        ).fetchall()
    )


def _reverse_changed(connection: duckdb.DuckDBPyConnection, accounts: set[tuple[str, str]]) -> None:
    if not accounts:
        return
    with openings_follow(connection):
        for provider, account_id in accounts:
            reverse_stored(connection, provider, account_id, files=STATEMENT_FILES.name)
            reverse_balances(connection, provider, account_id, files=STATEMENT_FILES)
    read_rows(connection)
    connection.execute(
        "update unified.transactions as t set counterparty = r.counterparty, "
        "counterparty_iban = r.counterparty_iban from read_anew as r "
        "where t.transaction_key = r.transaction_key "
        "and (t.counterparty is distinct from r.counterparty "
        "or t.counterparty_iban is distinct from r.counterparty_iban)"
    )
