"""The columns of the ledger, read anew from what the APIs sent; the keys stay."""

from dataclasses import dataclass
from datetime import datetime

import duckdb

from gocardless.extraction.reading.entries import READER
from gocardless.extraction.reading.rebuilding import (
    EntriesRead,
    differences,
    differs,
    rebuild_entries,
)
from gocardless.extraction.writing import in_one_thread
from gocardless.sync.balances import create_balance_tables
from gocardless.sync.ledger.answers import COPIED
from gocardless.sync.ledger.history import write_first_states
from gocardless.sync.ledger.signs import REVERSED, reverse
from gocardless.sync.restated_balances import openings_follow, rebuild_balances
from shared_lib.warehouse import transaction

_COLUMNS = ("provider_transaction_id", "currency", *COPIED)
_OF_HISTORY = ("booking_date", "amount", "description", "provider_transaction_id")
# the ids by which providers call each account
_NAMES = """
    select of_provider as provider, of_account_id as account_id, account_id as called
    from unified.account_identifiers
    union
    select provider, account_id, account_id from unified.transactions
"""


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What a rebuild has changed.

    Attributes:
        entries: those in ``raw.gc_transactions``.
        balances: in how many rows of ``raw.gc_balances`` each column has changed.
        changed: in how many rows of ``unified.transactions`` each column has changed.
        without_entry: rows of an API that no entry is known of: those that a person has split off,
            and those from before it was noted that are like several entries, or like none.
    """

    entries: EntriesRead
    balances: dict[str, int]
    changed: dict[str, int]
    without_entry: int


def rebuild_ledger(connection: duckdb.DuckDBPyConnection, *, at: datetime) -> Rebuilt:
    """Read each payload again, and write what differs into the raw and the unified tables.

    It is one database transaction. A row takes the columns of the entry that the last answer had of
    it, and the history notes where its money, day, text or identifier was another one.

    Args:
        connection: a warehouse with the raw and the unified tables, outside a transaction.
        at: when, UTC.
    """
    create_balance_tables(connection)
    with in_one_thread(connection), transaction(connection), openings_follow(connection):
        # before the entries are read anew: a row of an earlier release still has their columns
        _find_entries(connection)
        entries = rebuild_entries(connection)
        return Rebuilt(
            entries=entries,
            balances=rebuild_balances(connection),
            changed=_rebuild_rows(connection, at=at),
            without_entry=_without_entry(connection),
        )


def _find_entries(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``entry_id`` of rows from before it was noted, where one entry alone fits.

    It has the columns of the row, and the last answer with the row had it.
    """
    connection.execute(
        f"""
        update unified.transactions as t set entry_id = found.entry_id
        from (
            select
                row.transaction_key,
                min(entry.payload_digest)::varchar as entry_id,
                count(distinct entry.payload_digest) as entries
            from unified.transactions as row
            inner join ({_NAMES}) as names using (provider, account_id)
            inner join raw.gc_transactions as entry
                on entry.account_id = names.called
                    and abs(entry.amount) = abs(row.amount)
                    and entry.currency = row.currency
                    and entry.description = row.description
                    and entry.booking_date is not distinct from row.booking_date
                    and entry.value_date is not distinct from row.value_date
                    and entry.transaction_id is not distinct from row.provider_transaction_id
            inner join raw.gc_sightings as sighting
                on sighting.account_id = entry.account_id
                    and sighting.status = entry.status
                    and sighting.payload_digest = entry.payload_digest
                    and row.last_fetch_number between sighting.first_fetch_number
                        and coalesce(sighting.last_fetch_number, row.last_fetch_number)
            where row.entry_id is null and row.decided_by is null
                and coalesce(row.seen_by, row.provider) <> 'file'
            group by all
        ) as found
        where t.transaction_key = found.transaction_key and found.entries = 1
        """  # noqa: S608 - own names
    )


def read_rows(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary table ``read_anew`` with the columns that rows of APIs have to have."""
    connection.execute(
        f"""
        create or replace temp table read_anew as
        select
            t.transaction_key, t.provider, t.account_id, entry.account_id as source_account_id,
            entry.payload_digest as entry_id, entry.currency,
            entry.transaction_id as provider_transaction_id,
            {", ".join(f"entry.{name}" for name in COPIED)}
        from unified.transactions as t
        inner join ({_NAMES}) as names using (provider, account_id)
        inner join raw.gc_transactions as entry
            on entry.account_id = names.called
                and entry.payload_digest = try_cast(t.entry_id as uuid)
        -- one that is pending and booked in the same words
        qualify row_number() over (
            partition by t.transaction_key order by entry.status <> t.status, entry.status
        ) = 1
        """  # noqa: S608 - own names
    )
    reverse(
        connection,
        "read_anew",
        "(t.provider, t.account_id) in (select (provider, account_id) "  # noqa: S608 - own names
        f"from unified.account_settings where sign = '{REVERSED}')",
    )


def _rebuild_rows(connection: duckdb.DuckDBPyConnection, *, at: datetime) -> dict[str, int]:
    read_rows(connection)
    changed = differences(
        connection, "unified.transactions", using="transaction_key", columns=_COLUMNS
    )
    if not changed:
        return {}
    connection.execute(
        "create or replace temp table changed as select t.transaction_key "  # noqa: S608 - own names
        "from unified.transactions as t inner join read_anew as r using (transaction_key) "
        f"where {differs(_OF_HISTORY)}"
    )
    write_first_states(connection, "changed")
    connection.execute(
        f"update unified.transactions as t set {', '.join(f'{n} = r.{n}' for n in _COLUMNS)} "  # noqa: S608 - own names
        f"from read_anew as r where t.transaction_key = r.transaction_key and ({differs(_COLUMNS)})"
    )
    connection.execute(
        """
        insert into unified.transaction_history by name
        select
            transaction_key, last_fetch_number as fetch_number, $at as seen_at, status,
            booking_date, description, provider_transaction_id, amount, 'rebuilt' as decision,
            $evidence as evidence
        from unified.transactions
        semi join changed using (transaction_key)
        """,
        {
            "at": at.replace(tzinfo=None),
            "evidence": f"its payload, read anew by reader {READER}",
        },
    )
    return changed


def _without_entry(connection: duckdb.DuckDBPyConnection) -> int:
    (count,) = connection.execute(
        "select count(*) from unified.transactions "
        "where entry_id is null and coalesce(seen_by, provider) <> 'file'"
    ).fetchone() or (0,)
    return count
