"""The raw tables, and how rows get into them: many at once, from one JSON text.

Times are UTC. ``payload`` is what the API sent; numbers with a fraction, which the contract has
none of in amounts, are kept as texts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import duckdb

from shared_lib.storage.migrations import Migration
from shared_lib.warehouse.tables import create_or_migrate

AMOUNT = "decimal(22, 8)"

Row = Mapping[str, Any]


@dataclass(frozen=True)
class RawTable:
    """A raw table.

    Attributes:
        name: in the schema ``raw``.
        key: the columns that tell its rows apart.
        columns: all columns but those of when and by which run a row was seen.
        has_index: whether the database keeps the key unique by itself. An index of millions of
            long keys costs more than all else; :func:`merge` alone writes such a table.
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


_SEEN = {
    "first_seen_at": "timestamp not null",
    "last_seen_at": "timestamp not null",
    "first_run_id": "varchar not null",
    "last_run_id": "varchar not null",
}

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
    INSTITUTIONS,
    REQUISITIONS,
    AGREEMENTS,
    BANK_ACCOUNTS,
    ACCOUNT_DETAILS,
    BALANCES,
    TRANSACTIONS,
    REJECTS,
)

_BOOKKEEPING = """
create table if not exists raw.gc_listings (
    register varchar primary key,
    listed_at timestamp not null  -- when the API last gave the whole of it, empty or not
);
create or replace view raw.gc_last_listing as
select coalesce(
    (select listed_at from raw.gc_listings where register = 'requisitions'), max(last_seen_at)
) as listed_at
from raw.gc_requisitions;
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
    last_fetch_number bigint  -- null: the account's last whole answer has it, whichever that is
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


def _read_more_of_entries(connection: duckdb.DuckDBPyConnection) -> None:
    for column in ("amount", "balance_after"):
        connection.execute(f"alter table raw.gc_transactions alter {column} type decimal(22, 8)")
    for column, kind in (
        ("entry_reference", "varchar"),
        ("original_amount", "decimal(22, 8)"),
        ("original_currency", "varchar"),
        ("exchange_rate", "decimal(24, 10)"),
        ("merchant_category", "varchar"),
        ("counterparty_iban", "varchar"),
        ("end_to_end_id", "varchar"),
        ("mandate_id", "varchar"),
        ("notes", "varchar"),
    ):
        connection.execute(f"alter table raw.gc_transactions add column {column} {kind}")
    connection.execute("alter table raw.gc_rejects add column status varchar")
    connection.execute("alter table raw.gc_rejects add column reader integer")
    connection.execute("alter table raw.gc_fetches add column is_whole boolean default true")
    # a table with an index is not altered: a copy takes its place
    connection.execute(
        "create table raw.gc_balances_wider (account_id varchar, payload_digest varchar, "
        "balance_type varchar, reference_date date, amount decimal(22, 8), currency varchar, "
        "payload varchar, credit_limit_included boolean, first_seen_at timestamp not null, "
        "last_seen_at timestamp not null, first_run_id varchar not null, "
        "last_run_id varchar not null, primary key (account_id, payload_digest));"
        "insert into raw.gc_balances_wider by name from raw.gc_balances;"
        "drop table raw.gc_balances;"
        "alter table raw.gc_balances_wider rename to gc_balances"
    )


def _join_sightings(connection: duckdb.DuckDBPyConnection) -> None:
    """A row for each answer becomes one for all answers without a gap."""
    connection.execute(
        """
        create table raw.gc_sightings_joined (
            account_id varchar not null using compression dictionary,
            status varchar not null using compression dictionary,
            payload_digest uuid not null using compression uncompressed,
            copies integer not null,
            first_fetch_number bigint not null,
            last_fetch_number bigint
        );
        insert into raw.gc_sightings_joined by name
        with answers as (
            select
                fetch_number,
                account_id,
                row_number() over (partition by account_id order by fetch_number) as nth,
                max(fetch_number) over (partition by account_id) as last_of_account
            from raw.gc_fetches
            where is_whole
        ),
        numbered as (
            select
                sighting.*,
                last_of_account,
                -- the same for answers that follow each other
                nth - row_number() over (
                    partition by account_id, status, payload_digest, copies, nth is null
                    order by nth
                ) as island,
                -- one that is not whole follows no other
                case when nth is null then fetch_number end as alone
            from raw.gc_sightings as sighting
            left join answers using (account_id, fetch_number)
        )
        select
            account_id, status, payload_digest, copies,
            min(fetch_number) as first_fetch_number,
            nullif(max(fetch_number), any_value(last_of_account)) as last_fetch_number
        from numbered
        group by account_id, status, payload_digest, copies, island, alone
        order by first_fetch_number;
        drop table raw.gc_sightings;
        alter table raw.gc_sightings_joined rename to gc_sightings
        """
    )


_MIGRATIONS = (
    Migration("more of each entry", _read_more_of_entries, is_additive=False),
    Migration("sightings of many answers in one row", _join_sightings, is_additive=False),
)


def create_raw_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create the raw tables that are not there yet."""
    statements = ["create schema if not exists raw"]
    for table in RAW_TABLES:
        columns = ", ".join(
            f"{name} {kind}" + _compression(table, name) for name, kind in _in_order(table).items()
        )
        key = f", primary key ({', '.join(table.key)})" if table.has_index else ""
        statements.append(f"create table if not exists raw.{table.name} ({columns}{key})")
    create_or_migrate(
        connection,
        ";".join([*statements, _BOOKKEEPING]),
        first_table="raw.gc_transactions",
        migrations=_MIGRATIONS,
    )


def _in_order(table: RawTable) -> dict[str, str]:
    first = {name: kind for name, kind in table.columns.items() if name not in table.added}
    return {**first, **_SEEN, **{name: table.columns[name] for name in table.added}}


def _compression(table: RawTable, column: str) -> str:
    named = table.compressions.get(column)
    return f" using compression {named}" if named else ""


@contextmanager
def in_one_thread(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Let the database work in one thread while the body runs.

    A million rows take seconds, and with two threads on one core's halves up to twice the CPU.
    """
    connection.execute("set threads = 1")
    try:
        yield
    finally:
        connection.execute("reset threads")


def stage(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Mapping[str, str],
    rows: Sequence[Row],
) -> None:
    """Put rows into a temporary table of that name and those columns."""
    # as texts, since a cast of a text to a decimal is exact and JSON's numbers are not
    shape = {
        column: ["VARCHAR"] if kind.endswith("[]") else "VARCHAR"
        for column, kind in columns.items()
    }
    casts = ", ".join(
        f"cast(entry.{column} as {kind}) as {column}" for column, kind in columns.items()
    )
    connection.execute(
        f"create or replace temp table {name} as select {casts} from ("  # noqa: S608 - own names
        "select unnest(from_json(?::json, ?)) as entry)",
        [json.dumps(rows, default=str), json.dumps([shape])],
    )


def upsert(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    rows: Sequence[Row],
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """Write rows; of those that are known, what has changed and when they were seen last.

    Args:
        connection: a warehouse with the raw tables.
        table: where to.
        rows: a value for each column of the table; for one key the last row counts.
        seen_at: when the API sent them, UTC.
        run_id: the run that asked.
    """
    by_key = {tuple(row[name] for name in table.key): row for row in rows}
    if not by_key:
        return
    stage(connection, "staged_rows", table.columns, list(by_key.values()))
    merge(connection, table, "staged_rows", seen_at=seen_at, run_id=run_id)


def merge(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    staged: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """The same for the rows of the temporary table ``staged``, which has each key once."""
    _update_known(connection, table, staged, seen_at=seen_at, run_id=run_id)
    key = ", ".join(table.key)
    source = f"{staged} anti join raw.{table.name} using ({key})"
    insert_new(connection, table, source, seen_at=seen_at, run_id=run_id)


def insert_new(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    source: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    """Insert rows of which none is known.

    Args:
        connection: a warehouse with the raw tables.
        table: where to.
        source: what stands behind ``from``; our own words, since it is not quoted.
        seen_at: when the API sent them, UTC.
        run_id: the run that asked.
    """
    names = ", ".join(table.columns)
    connection.execute(
        f"insert into raw.{table.name} "  # noqa: S608 - own names
        f"({names}, {', '.join(_SEEN)}) select {names}, $at, $at, $run, $run from {source}",
        {"at": seen_at.replace(tzinfo=None), "run": run_id},
    )


def _update_known(
    connection: duckdb.DuckDBPyConnection,
    table: RawTable,
    staged: str,
    *,
    seen_at: datetime,
    run_id: str,
) -> None:
    # what a row says follows from its payload: where that is in the key, nothing else can change
    changing = () if "payload_digest" in table.key else table.columns
    changes = "".join(f"{name} = s.{name}, " for name in changing if name not in table.key)
    equal = " and ".join(f"t.{name} = s.{name}" for name in table.key)
    # not MERGE, which takes 20 times as long for rows that match
    connection.execute(
        f"update raw.{table.name} as t set "  # noqa: S608 - own names
        f"{changes}last_seen_at = $at, last_run_id = $run from {staged} as s where {equal}",
        {"at": seen_at.replace(tzinfo=None), "run": run_id},
    )
