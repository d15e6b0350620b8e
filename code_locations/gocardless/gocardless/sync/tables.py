"""The unified tables, which are the same for every provider. Times are UTC."""

import duckdb

from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

_TABLES = """
create schema if not exists unified;
create table if not exists unified.institutions (
    provider varchar not null,
    institution_id varchar not null,
    name varchar,
    bic varchar,
    primary key (provider, institution_id)
);
create table if not exists unified.connections (
    provider varchar not null,
    connection_id varchar not null,
    institution_id varchar,
    reference varchar,
    status varchar not null,
    provider_status varchar,
    expires_at timestamp,
    primary key (provider, connection_id)
);
create table if not exists unified.accounts (
    provider varchar not null,
    account_id varchar not null,
    connection_id varchar,
    institution_id varchar,
    iban varchar,
    currency varchar,
    owner_name varchar,
    name varchar,
    status varchar not null,  -- active or inactive
    inactive_since timestamp,
    primary key (provider, account_id)
);
create table if not exists unified.transactions (
    -- unique, by how the sync makes it: an index of millions of keys would cost more than the sync
    -- (compressions are named, because to try them all takes a tenth of a first sync)
    transaction_key varchar not null using compression fsst,
    provider varchar not null using compression dictionary,
    account_id varchar not null using compression dictionary,
    status varchar not null using compression dictionary,  -- booked, pending or vanished
    booking_date date,
    value_date date,
    amount decimal(18, 4) not null,
    currency varchar not null using compression dictionary,
    description varchar not null using compression fsst,
    counterparty varchar using compression fsst,
    balance_after decimal(18, 4),
    provider_transaction_id varchar using compression fsst,
    first_fetch_number bigint not null,
    last_fetch_number bigint not null,
    first_seen_at timestamp not null,
    last_seen_at timestamp not null,
    counterparty_iban varchar using compression fsst,
    end_to_end_id varchar using compression fsst,
    mandate_id varchar using compression fsst,
    original_amount decimal(18, 4),  -- as it was paid, in original_currency
    original_currency varchar using compression dictionary,
    exchange_rate decimal(18, 8),  -- as the bank writes it, which way round differs
    merchant_category varchar using compression dictionary  -- of ISO 18245
);
create table if not exists unified.transaction_history (
    -- only of transactions that have changed: the others have one state, which is above
    transaction_key varchar not null,
    fetch_number bigint not null,
    seen_at timestamp not null,
    status varchar not null,
    booking_date date,
    description varchar,
    provider_transaction_id varchar
);
create or replace view unified.transaction_states as
select
    transaction_key, fetch_number, seen_at, status, booking_date, description,
    provider_transaction_id
from unified.transaction_history
union all
select
    transaction_key, first_fetch_number, first_seen_at, status, booking_date, description,
    provider_transaction_id
from unified.transactions
anti join unified.transaction_history using (transaction_key);
create table if not exists unified.synced_fetches (
    provider varchar not null,
    fetch_number bigint not null,
    primary key (provider, fetch_number)
);
"""


def _add_details(connection: duckdb.DuckDBPyConnection) -> None:
    for name, kind in {
        "counterparty_iban": "varchar",
        "end_to_end_id": "varchar",
        "mandate_id": "varchar",
        "original_amount": "decimal(18, 4)",
        "original_currency": "varchar",
        "exchange_rate": "decimal(18, 8)",
        "merchant_category": "varchar",
    }.items():
        connection.execute(f"alter table unified.transactions add column {name} {kind}")


_MIGRATIONS = [Migration(name="details of transactions", change=_add_details, is_additive=True)]


def create_unified_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the unified tables that are not there yet."""
    create_or_migrate(
        connection, _TABLES, first_table="unified.transactions", migrations=_MIGRATIONS
    )
