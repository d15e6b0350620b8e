"""The raw tables that all APIs share; their names begin as those of the first, GoCardless.

Times are UTC. ``payload`` is what the API sent; numbers with a fraction, which the contract has
none of in amounts, are kept as texts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from gocardless.extraction.migrations import MIGRATIONS
from shared_lib.warehouse.tables import create_or_migrate

AMOUNT = "decimal(22, 8)"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RawTable:
    """A raw table.

    Attributes:
        name: in the schema ``raw``.
        key: the columns that distinguish its rows.
        columns: all columns but those of when and by which run a row was seen.
        has_index: whether the database keeps the key unique by itself. An index of millions of
            long keys costs more than all else; only ``writing`` writes such a table.
        compressions: columns whose compression is named. For others the database tries all that
            it has, which for a million entries takes 0.8 s of CPU.
        added: columns that the first release did not have; they are behind the others.
    """

    name: str
    key: tuple[str, ...]
    columns: Mapping[str, str]
    has_index: bool = True
    compressions: Mapping[str, str] = field(default_factory=dict)
    added: Sequence[str] = ()


SEEN = {
    "first_seen_at": "timestamp not null",
    "last_seen_at": "timestamp not null",
    "first_run_id": "varchar not null",
    "last_run_id": "varchar not null",
}

ACCOUNT_DETAILS = RawTable(
    "gc_account_details",
    ("account_id",),
    {
        "account_id": "varchar",
        "iban": "varchar",
        "currency": "varchar",
        "owner_name": "varchar",
        "name": "varchar",
        "product": "varchar",
        "cash_account_type": "varchar",
        "payload": "varchar",
    },
)
BALANCES = RawTable(
    "gc_balances",
    ("account_id", "payload_digest"),
    {
        "account_id": "varchar",
        "payload_digest": "varchar",
        "balance_type": "varchar",
        "reference_date": "date",
        "amount": AMOUNT,
        "currency": "varchar",
        "payload": "varchar",
        "credit_limit_included": "boolean",
    },
)
READ_SINCE: Mapping[str, str] = {
    "entry_reference": "varchar",
    "original_amount": AMOUNT,
    "original_currency": "varchar",
    "exchange_rate": "decimal(24, 10)",
    "merchant_category": "varchar",
    "counterparty_iban": "varchar",
    "end_to_end_id": "varchar",
    "mandate_id": "varchar",
    "notes": "varchar",
}
"""Columns of an entry that the first release did not have."""
# An entry is what the bank sent, word for word; which entries are one transaction is the sync's.
TRANSACTIONS = RawTable(
    "gc_transactions",
    ("account_id", "status", "payload_digest"),
    {
        "account_id": "varchar",
        "status": "varchar",
        "payload_digest": "uuid",
        "transaction_id": "varchar",
        "internal_transaction_id": "varchar",
        "booking_date": "date",
        "value_date": "date",
        "amount": AMOUNT,
        "currency": "varchar",
        "description": "varchar",
        "counterparty": "varchar",
        "balance_after": AMOUNT,
        "payload": "varchar",
        **READ_SINCE,
    },
    has_index=False,
    added=tuple(READ_SINCE),
    compressions={
        "account_id": "dictionary",
        "status": "dictionary",
        "payload_digest": "uncompressed",
        "transaction_id": "fsst",
        "internal_transaction_id": "fsst",
        "currency": "dictionary",
        "description": "fsst",
        "counterparty": "fsst",
        "payload": "fsst",
        "first_run_id": "dictionary",
        "last_run_id": "dictionary",
    },
)
REJECTS = RawTable(
    "gc_rejects",
    ("account_id", "scope", "payload_digest"),
    {
        "account_id": "varchar",
        "scope": "varchar",
        "payload_digest": "varchar",
        "reason": "varchar",
        "payload": "varchar",
        "status": "varchar",
        "reader": "integer",
    },
    added=("status", "reader"),
)

RAW_TABLES = (
    ACCOUNT_DETAILS,
    BALANCES,
    TRANSACTIONS,
    REJECTS,
)

_BOOKKEEPING = """
create table if not exists raw.gc_fetches (
    fetch_number bigint primary key,  -- in the order of the answers
    account_id varchar not null,
    date_from date not null,  -- first booking date that was asked for
    create_from date not null,  -- first one from which an unknown entry is a new transaction
    fetched_at timestamp not null,
    run_id varchar not null,
    is_whole boolean default true  -- false: single entries, which were refused before
);
create table if not exists raw.gc_sightings (
    -- an entry was in each whole answer of its account from the first to the last of a row: what an
    -- answer repeats needs no row; one that is not whole has rows of its own
    account_id varchar not null using compression dictionary,
    status varchar not null using compression dictionary,
    payload_digest uuid not null using compression uncompressed,
    copies integer not null,  -- how many of them each answer had
    first_fetch_number bigint not null,
    last_fetch_number bigint,  -- null: the account's last whole answer has it, whichever that is
    -- the database's own hash, by which a repeat is recognised at a tenth of the CPU of its digest;
    -- null or of another release of the database: by the digest
    payload_hash ubigint
);
create table if not exists raw.gc_shortened_periods (
    -- whose bank has refused to go back as far as its agreement allows
    account_id varchar not null,
    requisition_id varchar not null,
    longest_days integer not null,
    refused_at timestamp not null,
    primary key (account_id, requisition_id)
);
create table if not exists raw.gc_watermarks (
    account_id varchar primary key,
    fetched_until date not null,  -- the day up to which all that was booked has been fetched
    fetch_number bigint not null
);
create table if not exists raw.account_providers (
    account_id varchar primary key,
    provider varchar not null  -- of accounts that have come through another API than GoCardless'
);
create table if not exists raw.gc_call_budget (
    account_id varchar not null,
    scope varchar not null,
    remaining integer,  -- successful calls left until resets_at, less those under way
    resets_at timestamp,
    sent_at timestamp,
    last_success_at timestamp,
    problem varchar,  -- why the last call failed; none when it succeeded
    problem_kind varchar,
    primary key (account_id, scope)
);
"""


def statements_for(tables: Sequence[RawTable]) -> str:
    """The SQL that creates the tables that are not there yet."""
    statements = ["create schema if not exists raw"]
    for table in tables:
        columns = ", ".join(
            f"{name} {kind}" + _compression(table, name) for name, kind in _in_order(table).items()
        )
        key = f", primary key ({', '.join(table.key)})" if table.has_index else ""
        statements.append(f"create table if not exists raw.{table.name} ({columns}{key})")
    return ";".join(statements)


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables that all APIs share and that are not there yet."""
    create_or_migrate(
        connection,
        f"{statements_for(RAW_TABLES)};{_BOOKKEEPING}",
        first_table="raw.gc_transactions",
        migrations=MIGRATIONS,
    )


def _in_order(table: RawTable) -> dict[str, str]:
    first = {name: kind for name, kind in table.columns.items() if name not in table.added}
    return {**first, **SEEN, **{name: table.columns[name] for name in table.added}}


def _compression(table: RawTable, column: str) -> str:
    named = table.compressions.get(column)
    return f" using compression {named}" if named else ""
