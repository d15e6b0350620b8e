"""GoCardless' registers. What its banks answer is in the tables that all APIs share.

Times are UTC.
"""

import duckdb

from gocardless.extraction.tables import RawTable, create_raw_tables, statements_for
from shared_lib.warehouse.tables import create_or_migrate

INSTITUTIONS = RawTable(
    "gc_institutions",
    ("institution_id",),
    {
        "institution_id": "varchar",
        "name": "varchar",
        "bic": "varchar",
        "transaction_total_days": "integer",
        "payload": "varchar",
    },
)
REQUISITIONS = RawTable(
    "gc_requisitions",
    ("requisition_id",),
    {
        "requisition_id": "varchar",
        "status": "varchar",
        "institution_id": "varchar",
        "agreement_id": "varchar",
        "reference": "varchar",
        "account_ids": "varchar[]",
        "payload": "varchar",
    },
)
AGREEMENTS = RawTable(
    "gc_agreements",
    ("agreement_id",),
    {
        "agreement_id": "varchar",
        "institution_id": "varchar",
        "max_historical_days": "integer",
        "access_valid_for_days": "integer",
        "accepted_at": "timestamp",
        "payload": "varchar",
    },
)
BANK_ACCOUNTS = RawTable(
    "gc_bank_accounts",
    ("account_id",),
    {
        "account_id": "varchar",
        "requisition_id": "varchar",
        "institution_id": "varchar",
        "iban": "varchar",
        "status": "varchar",
        "owner_name": "varchar",
        "name": "varchar",
        "payload": "varchar",
    },
)
_TABLES = (INSTITUTIONS, REQUISITIONS, AGREEMENTS, BANK_ACCOUNTS)
_LISTINGS = """
create table if not exists raw.gc_listings (
    register varchar primary key,
    listed_at timestamp not null  -- when the API last gave the whole of it, empty or not
);
create or replace view raw.gc_last_listing as
select coalesce(
    (select listed_at from raw.gc_listings where register = 'requisitions'), max(last_seen_at)
) as listed_at
from raw.gc_requisitions;
"""


def create_gocardless_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables that are not there yet, those that all APIs share too."""
    create_raw_tables(connection)
    create_or_migrate(
        connection, f"{statements_for(_TABLES)};{_LISTINGS}", first_table="raw.gc_requisitions"
    )
