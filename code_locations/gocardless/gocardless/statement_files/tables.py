"""The raw tables of statement files. Times are UTC."""

import duckdb

from gocardless.extraction.tables import AMOUNT
from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

ENTRY_COLUMNS = {
    "account_id": "varchar",
    "entry_id": "varchar",
    "copies": "integer",
    "transaction_id": "varchar",
    "booking_date": "date",
    "value_date": "date",
    "amount": AMOUNT,
    "currency": "varchar",
    "description": "varchar",
    "counterparty": "varchar",
    "status": "varchar",
    "balance_after": AMOUNT,
    "counterparty_iban": "varchar",
    "end_to_end_id": "varchar",
    "mandate_id": "varchar",
    "original_amount": AMOUNT,
    "original_currency": "varchar",
    "exchange_rate": "decimal(24, 10)",
    "merchant_category": "varchar",
}

_TABLES = f"""
create schema if not exists raw;
create table if not exists raw.file_imports (
    file_number bigint primary key,  -- of one account in one file, in the order of the imports
    account_id varchar,
    date_from date,
    imported_at timestamp,
    file_name varchar,
    date_to date,
    covered_from date,  -- from this day on ...
    covered_until date,  -- ... to this one the file proves that it has all that was booked
    content_digest varchar  -- of what was read, which an equal file has too
);
create table if not exists raw.file_entries (
    file_number bigint,
    {", ".join(f"{name} {kind}" for name, kind in ENTRY_COLUMNS.items())}
);
create table if not exists raw.file_accounts (
    account_id varchar primary key,
    iban varchar,
    number varchar,
    currency varchar,
    bic varchar,
    owner_name varchar,
    name varchar
);
create table if not exists raw.file_balances (
    file_number bigint not null,
    account_id varchar not null,
    balance_type varchar not null,
    reference_date date not null,
    amount {AMOUNT} not null,
    currency varchar not null
);
create table if not exists raw.file_rejects (
    file_path varchar not null,
    file_digest varchar not null,
    line integer not null,
    field varchar not null,
    value varchar not null,
    reason varchar not null,
    rejected_at timestamp not null
);
"""


def _add_formats(connection: duckdb.DuckDBPyConnection) -> None:
    for name, kind in {
        "date_to": "date",
        "covered_from": "date",
        "covered_until": "date",
        "content_digest": "varchar",
    }.items():
        connection.execute(f"alter table raw.file_imports add column if not exists {name} {kind}")
    connection.execute("alter table raw.file_entries alter amount type decimal(22, 8)")
    for name, kind in {
        "status": "varchar",
        "balance_after": "decimal(22, 8)",
        "counterparty_iban": "varchar",
        "end_to_end_id": "varchar",
        "mandate_id": "varchar",
        "original_amount": "decimal(22, 8)",
        "original_currency": "varchar",
        "exchange_rate": "decimal(24, 10)",
        "merchant_category": "varchar",
    }.items():
        connection.execute(f"alter table raw.file_entries add column if not exists {name} {kind}")


_MIGRATIONS = [Migration(name="formats beside csv", change=_add_formats, is_additive=False)]


def create_file_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables of statement files that are not there yet."""
    create_or_migrate(connection, _TABLES, first_table="raw.file_imports", migrations=_MIGRATIONS)
