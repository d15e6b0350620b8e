"""The unified tables, which are the same for every provider. Times are UTC."""

import duckdb

from gocardless.accounts.settings import create_settings_table
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
    masked_pan varchar,
    primary key (provider, account_id)
);
create table if not exists unified.transactions (
    -- unique, by how the sync makes it: an index of millions of keys would cost more than the sync
    -- (compressions are named, because to try them all takes a tenth of a first sync)
    transaction_key varchar not null using compression fsst,
    provider varchar not null using compression dictionary,
    account_id varchar not null using compression dictionary,
    -- booked, pending, vanished (was pending), withdrawn (was booked) or merged (into another row)
    status varchar not null using compression dictionary,
    booking_date date,
    value_date date,
    amount decimal(22, 8) not null,
    currency varchar not null using compression dictionary,
    description varchar not null using compression fsst,
    counterparty varchar using compression fsst,
    balance_after decimal(22, 8),
    provider_transaction_id varchar using compression fsst,
    first_fetch_number bigint not null,
    last_fetch_number bigint not null,
    first_seen_at timestamp not null,
    last_seen_at timestamp not null,
    internal_transaction_id varchar using compression fsst,
    entry_reference varchar,
    original_amount decimal(22, 8),  -- in the currency that was paid in, where it is another one
    original_currency varchar,
    exchange_rate decimal(24, 10),
    merchant_category varchar,  -- ISO 18245
    counterparty_iban varchar,
    end_to_end_id varchar,
    mandate_id varchar,
    notes varchar,  -- optional fields of the entry that could not be read
    seen_by varchar,  -- the provider of the last answer that had it; null: the column provider
    merged_into varchar,  -- the row that counts instead
    decided_by varchar,  -- a person: no answer withdraws the row
    -- the entry that its columns are of: of an API the digest of its payload
    entry_id varchar using compression uncompressed
);
create table if not exists unified.transaction_history (
    -- only of transactions that have changed: the others have one state, which is above
    transaction_key varchar not null,
    fetch_number bigint not null,
    seen_at timestamp not null,
    status varchar not null,
    booking_date date,
    description varchar,
    provider_transaction_id varchar,
    amount decimal(22, 8),  -- null in rows of the releases before
    decision varchar,  -- what was decided; null in the first state
    evidence varchar  -- what it was decided by
);
create or replace view unified.transaction_states as
select
    transaction_key, fetch_number, seen_at, status, booking_date, description,
    provider_transaction_id, amount, decision, evidence
from unified.transaction_history
union all
select
    transaction_key, first_fetch_number, first_seen_at, status, booking_date, description,
    provider_transaction_id, amount, null, null
from unified.transactions
anti join unified.transaction_history using (transaction_key);
create table if not exists unified.account_identifiers (
    -- what providers call accounts, and under which provider and id they are stored
    provider varchar not null,
    account_id varchar not null,
    of_provider varchar not null,
    of_account_id varchar not null,
    connection_id varchar,
    is_active boolean not null,
    primary key (provider, account_id)
);
create table if not exists unified.dismissed_connections (
    -- whose end a person has accepted
    provider varchar not null,
    connection_id varchar not null,
    dismissed_at timestamp not null,
    dismissed_by varchar not null,
    because varchar not null,
    primary key (provider, connection_id)
);
create table if not exists unified.account_answers (
    provider varchar not null,
    account_id varchar not null,
    whole_since date not null,  -- from this day to whole_until all that was booked is known
    whole_until date,
    answered_at timestamp not null,
    primary key (provider, account_id)
);
create table if not exists unified.synced_fetches (
    provider varchar not null,
    fetch_number bigint not null,
    primary key (provider, fetch_number)
);
"""


def _add_evidence(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("drop view if exists unified.transaction_states")
    for column in ("amount", "balance_after"):
        connection.execute(f"alter table unified.transactions alter {column} type decimal(22, 8)")
    for column, kind in (
        ("internal_transaction_id", "varchar"),
        ("entry_reference", "varchar"),
        ("original_amount", "decimal(22, 8)"),
        ("original_currency", "varchar"),
        ("exchange_rate", "decimal(24, 10)"),
        ("merchant_category", "varchar"),
        ("counterparty_iban", "varchar"),
        ("end_to_end_id", "varchar"),
        ("mandate_id", "varchar"),
        ("notes", "varchar"),
        ("seen_by", "varchar"),
        ("merged_into", "varchar"),
        ("decided_by", "varchar"),
    ):
        connection.execute(
            f"alter table unified.transactions add column if not exists {column} {kind}"
        )
    connection.execute("alter table unified.accounts add column if not exists masked_pan varchar")
    for column, kind in (
        ("amount", "decimal(22, 8)"),
        ("decision", "varchar"),
        ("evidence", "varchar"),
    ):
        connection.execute(
            f"alter table unified.transaction_history add column if not exists {column} {kind}"
        )


def _add_entry(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute("alter table unified.transactions add column if not exists entry_id varchar")


_MIGRATIONS = (
    Migration("evidence of each decision", _add_evidence, is_additive=False),
    Migration("the entry of each row", _add_entry, is_additive=True),
)


def create_unified_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the unified tables, and those of settings, that are not there yet."""
    create_settings_table(connection)
    create_or_migrate(
        connection, _TABLES, first_table="unified.transactions", migrations=_MIGRATIONS
    )
