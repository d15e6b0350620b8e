"""Enable Banking's registers. Entries and balances are in the tables that all providers share.

Times are UTC.
"""

import duckdb

from gocardless.extraction.tables import create_raw_tables
from shared_lib.warehouse.tables import create_or_migrate

_TABLES = """
create schema if not exists raw;
create table if not exists raw.eb_aspsps (
    institution_id varchar primary key,  -- country and name, by which the vendor names a bank
    name varchar not null,
    country varchar not null,
    bic varchar
);
create table if not exists raw.eb_sessions (
    session_id varchar primary key,
    institution_id varchar not null,
    status varchar not null,  -- the vendor's own word
    valid_until timestamp not null,
    account_ids varchar[] not null,
    opened_at timestamp not null,
    last_seen_at timestamp not null
);
create table if not exists raw.eb_accounts (
    -- an id is good for one session; a renewed one names the same account by another
    account_id varchar primary key,
    session_id varchar not null,
    institution_id varchar not null,
    iban varchar,
    other_number varchar,  -- of an account without an IBAN, such as a card's
    payload varchar not null
);
"""


def create_enable_banking_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables that are not there yet, those that all providers share too."""
    create_raw_tables(connection)
    create_or_migrate(connection, _TABLES, first_table="raw.eb_sessions")
