"""Answers about transactions, taken into ``unified.transactions`` one after the other.

Each answer is compared with what is stored of its account from its first date on. Entries that
are recognised update their transaction, others become new ones, and what was pending and is in
the answer no more has vanished. It is all one database transaction, and an answer that has been
taken is never taken again: to sync twice is to sync once.
"""

from dataclasses import dataclass

import duckdb

from gocardless.extraction.tables import in_one_thread
from gocardless.sync.matching import LONGEST_PENDING_DAYS, content_of, match
from gocardless.sync.provider import Provider
from shared_lib.warehouse import transaction


@dataclass
class SyncCounts:
    """What a sync did.

    Attributes:
        fetches: answers that were taken.
        created: transactions that were not known.
        vanished: pending ones that are gone.
    """

    fetches: int = 0
    created: int = 0
    vanished: int = 0


def sync_transactions(connection: duckdb.DuckDBPyConnection, provider: Provider) -> SyncCounts:
    """Take all answers that have not been taken yet, in their order for each account.

    Args:
        connection: a warehouse with the provider's and the unified tables, outside a transaction.
        provider: whose answers.
    """
    counts = SyncCounts()
    with in_one_thread(connection), transaction(connection):
        rounds = _list_rounds(connection, provider)
        for number in range(1, rounds + 1):
            _take(connection, provider, number, counts)
        connection.execute(
            "insert into unified.synced_fetches (provider, fetch_number) "
            "select ?, fetch_number from rounds",
            [provider.name],
        )
    return counts


def _list_rounds(connection: duckdb.DuckDBPyConnection, provider: Provider) -> int:
    """In a round each account has one answer at most; returns how many rounds there are."""
    connection.execute(
        f"""
        create or replace temp table rounds as
        select answer.*, row_number() over (
            partition by answer.account_id order by answer.fetch_number
        ) as round
        from ({provider.fetches}) as answer
        anti join (
            select fetch_number from unified.synced_fetches where provider = $provider
        ) using (fetch_number)
        """,  # noqa: S608 - the provider's own query
        {"provider": provider.name},
    )
    (rounds,) = connection.execute("select coalesce(max(round), 0) from rounds").fetchone() or (0,)
    return rounds


def _take(
    connection: duckdb.DuckDBPyConnection, provider: Provider, number: int, counts: SyncCounts
) -> None:
    connection.execute(
        "create or replace temp table asked as from rounds where round = ?", [number]
    )
    _read_entries(connection, provider)
    _read_stored(connection, provider)
    match(connection)
    _write_history_of_changed(connection)
    _update_matched(connection)
    counts.vanished += _mark_vanished(connection)
    counts.created += _create(connection, provider)
    counts.fetches += _count(connection, "asked")


def _read_entries(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    connection.execute(
        f"""
        create or replace temp table fetched as
        with answered as (
            select
                entry.*, unnest(range(entry.copies)) as copy, asked.create_from, asked.fetched_at
            from ({provider.entries}) as entry
            inner join asked using (fetch_number, account_id)
        )
        select row_number() over () as number, * from answered
        """  # noqa: S608 - the provider's own query
    )


def _read_stored(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    connection.execute(
        f"""
        create or replace temp table stored as
        select stored.*, stored.provider_transaction_id as transaction_id
        from unified.transactions as stored
        inner join asked using (account_id)
        where stored.provider = $provider
            and (
                stored.status = 'pending'
                or (stored.status = 'booked' and stored.booking_date >= asked.date_from)
                or (
                    stored.status = 'vanished'
                    and stored.last_seen_at >= asked.fetched_at
                        - interval {LONGEST_PENDING_DAYS} day
                )
            )
        """,  # noqa: S608 - a constant
        {"provider": provider.name},
    )


_HISTORY = (
    "insert into unified.transaction_history (transaction_key, fetch_number, seen_at, status, "
    "booking_date, description, provider_transaction_id) "
)


def _write_history_of_changed(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "create or replace temp table changed as "  # noqa: S608 - constants
        "select m.transaction_key, f.fetch_number, f.fetched_at, f.status, f.booking_date, "
        "  f.description, f.transaction_id "
        "from matches as m "
        "inner join fetched as f using (number) "
        "inner join stored as s on m.transaction_key = s.transaction_key "
        f"where f.status <> s.status or {content_of('f')} <> {content_of('s')} "
        "  or f.booking_date is distinct from s.booking_date"
    )
    _write_first_states(connection, "changed")
    connection.execute(f"{_HISTORY} from changed")


def _write_first_states(connection: duckdb.DuckDBPyConnection, changed: str) -> None:
    """Write how transactions have been so far, of which that is known from themselves alone.

    Most never change: a state of each, written when it is created, took a fifth of a first sync.
    """
    connection.execute(
        f"{_HISTORY} select s.transaction_key, s.first_fetch_number, "  # noqa: S608 - own names
        "s.first_seen_at, s.status, s.booking_date, s.description, s.transaction_id "
        f"from stored as s semi join {changed} using (transaction_key) "
        "anti join unified.transaction_history using (transaction_key)"
    )


def _update_matched(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        """
        update unified.transactions as t set
            status = f.status,
            booking_date = f.booking_date,
            value_date = f.value_date,
            description = f.description,
            counterparty = f.counterparty,
            balance_after = f.balance_after,
            provider_transaction_id = f.transaction_id,
            last_fetch_number = f.fetch_number,
            last_seen_at = f.fetched_at
        from matches as m
        inner join fetched as f using (number)
        where t.transaction_key = m.transaction_key
        """
    )


def _mark_vanished(connection: duckdb.DuckDBPyConnection) -> int:
    connection.execute(
        """
        create or replace temp table gone as
        select s.transaction_key, s.booking_date, s.description, s.transaction_id,
            asked.fetch_number, asked.fetched_at
        from stored as s
        inner join asked using (account_id)
        anti join matches using (transaction_key)
        where s.status = 'pending'
        """
    )
    _write_first_states(connection, "gone")
    connection.execute(
        f"{_HISTORY} select transaction_key, fetch_number, fetched_at, "  # noqa: S608 - a constant
        "'vanished', booking_date, "
        "description, transaction_id from gone"
    )
    connection.execute(
        "update unified.transactions set status = 'vanished' "
        "where transaction_key in (select transaction_key from gone)"
    )
    return _count(connection, "gone")


def _create(connection: duckdb.DuckDBPyConnection, provider: Provider) -> int:
    connection.execute(
        """
        create or replace temp table fresh as
        select
            md5(concat_ws(
                '|', $provider, account_id, fetch_number, status, entry_id, copy
            )) as transaction_key,
            *
        from fetched
        anti join matches using (number)
        where status = 'pending' or booking_date >= create_from
        """,
        {"provider": provider.name},
    )
    connection.execute(
        "insert into unified.transactions (transaction_key, provider, account_id, status, "
        "booking_date, value_date, amount, currency, description, counterparty, balance_after, "
        "provider_transaction_id, first_fetch_number, last_fetch_number, first_seen_at, "
        "last_seen_at) "
        "select transaction_key, ?, account_id, status, booking_date, value_date, amount, "
        "currency, description, counterparty, balance_after, transaction_id, fetch_number, "
        "fetch_number, fetched_at, fetched_at from fresh",
        [provider.name],
    )
    return _count(connection, "fresh")


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    query = f"select count(*) from {table}"  # noqa: S608 - own names
    (count,) = connection.execute(query).fetchone() or (0,)
    return count
