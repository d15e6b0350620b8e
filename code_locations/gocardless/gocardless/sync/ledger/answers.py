"""Answers about transactions, taken into ``unified.transactions`` one after the other.

Each answer is compared with what is stored of its account. Entries that are recognised update
their transaction, others become new ones. What was pending and is in the answer no more has
vanished; what was booked on a day that the answer covers, and is in it no more, is withdrawn. It is
all one database transaction, and an answer that has been taken is never taken again: to sync twice
is to sync once.
"""

from dataclasses import dataclass

import duckdb

from gocardless.extraction.writing import in_one_thread, within_memory
from gocardless.sync.ledger.history import write_changes, write_ends
from gocardless.sync.ledger.likeness import drop_pending_that_is_booked
from gocardless.sync.ledger.matching import EDGE_DAYS, LONGEST_PENDING_DAYS, match
from gocardless.sync.ledger.repeats import COMPARED, find_repeats, release_shared, update_repeated
from gocardless.sync.ledger.signs import REVERSED, reverse
from gocardless.sync.provider import (
    OPTIONAL_OF_ENTRIES,
    OPTIONAL_OF_FETCHES,
    Provider,
    with_optional,
)
from shared_lib.warehouse import transaction

_ACCOUNTS_OF_A_PART = 250


@dataclass
class SyncCounts:
    """What a sync did.

    Attributes:
        fetches: answers that were taken.
        created: transactions that were not known.
        vanished: pending ones that are gone.
        withdrawn: booked ones that are gone from a day that was answered.
    """

    fetches: int = 0
    created: int = 0
    vanished: int = 0
    withdrawn: int = 0

    def __add__(self, other: "SyncCounts") -> "SyncCounts":
        """What both did."""
        return SyncCounts(
            self.fetches + other.fetches,
            self.created + other.created,
            self.vanished + other.vanished,
            self.withdrawn + other.withdrawn,
        )


def sync_transactions(connection: duckdb.DuckDBPyConnection, provider: Provider) -> SyncCounts:
    """Take all answers that have not been taken yet, in their order for each account.

    Args:
        connection: a warehouse with the provider's and the unified tables, outside a transaction.
        provider: whose answers.
    """
    counts = SyncCounts()
    rows = _count(connection, "unified.transactions")
    with in_one_thread(connection), within_memory(connection, rows=rows), transaction(connection):
        for number, part in _list_rounds(connection, provider):
            _take(connection, provider, number, part, counts)
        connection.execute(
            "insert into unified.synced_fetches (provider, fetch_number) "
            "select ?, fetch_number from rounds",
            [provider.name],
        )
    return counts


def _list_rounds(
    connection: duckdb.DuckDBPyConnection, provider: Provider
) -> list[tuple[int, int]]:
    """Fill ``rounds``; in a round each account has one answer at most.

    Answers are taken in parts where none of their entries is a repeat, so that no more than a part
    of them is in memory: the first of an account, and the first since a release that did not note
    the entries of rows.

    Returns:
        Each round with each of its parts, in their order.
    """
    connection.execute(
        f"""
        create or replace temp table rounds as
        select
            answer.*,
            answer.covers_until is not null
                and (answer.before is null or unnoted.before is not null) as is_compared,
            case when is_compared then
                row_number() over (partition by is_compared order by answer.fetch_number)
                    // {_ACCOUNTS_OF_A_PART}
            else -1 end as part,
            coalesce(known.of_provider, $provider) as of_provider,
            coalesce(known.of_account_id, answer.account_id) as of_account_id,
            row_number() over (
                partition by coalesce(known.of_provider, $provider),
                    coalesce(known.of_account_id, answer.account_id)
                order by answer.fetch_number
            ) as round
        from (
            select
                *,
                -- the whole answer before it
                case when covers_until is not null then lag(fetch_number) over (
                    partition by account_id, covers_until is not null order by fetch_number
                ) end as before
            from ({with_optional(connection, provider.fetches, OPTIONAL_OF_FETCHES)})
        ) as answer
        left join (
            select distinct last_fetch_number as before from unified.transactions
            where entry_id is null and status = 'booked'
        ) as unnoted using (before)
        left join unified.account_identifiers as known
            on known.provider = $provider and known.account_id = answer.account_id
        anti join (
            select fetch_number from unified.synced_fetches where provider = $provider
        ) using (fetch_number)
        """,  # noqa: S608 - the provider's own query
        {"provider": provider.name},
    )
    return connection.execute("select distinct round, part from rounds order by all").fetchall()


def _take(
    connection: duckdb.DuckDBPyConnection,
    provider: Provider,
    number: int,
    part: int,
    counts: SyncCounts,
) -> None:
    connection.execute(
        "create or replace temp table asked as "
        "select row_number() over (order by fetch_number) as account, * from rounds "
        "where round = ? and part = ?",
        [number, part],
    )
    find_repeats(connection, provider)
    is_compared = False
    while not is_compared:
        _read_entries(connection, provider)
        _read_stored(connection, provider)
        is_compared = not release_shared(connection)
    match(connection)
    update_repeated(connection)
    if _count(connection, "matches"):
        write_changes(connection)
        _update_matched(connection, provider)
    counts.vanished += _end(connection, "pending", "vanished", _GONE_PENDING)
    counts.withdrawn += _end(connection, "booked", "withdrawn", _GONE_BOOKED)
    counts.created += _create(connection, provider)
    _note_answers(connection)
    counts.fetches += _count(connection, "asked")


def _read_entries(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Fill ``fetched`` with what is not repeated; what is pending and booked at once is booked."""
    entries = with_optional(connection, provider.entries, OPTIONAL_OF_ENTRIES)
    if provider.sightings is None:
        answered, key, of_answer = "asked", "fetch_number, account_id", ""
    else:
        answered, key = f"({COMPARED})", "account_id, status, entry_id"
        of_answer = "asked.fetch_number, asked.copies,"
    connection.execute(
        f"""
        create or replace temp table fetched as
        with answered as (
            select
                asked.account, entry.* exclude (account_id), {of_answer}
                entry.account_id as source_account_id,
                unnest(range(copies)) as copy, asked.create_from, asked.fetched_at
            from ({entries}) as entry
            inner join {answered} as asked using ({key})
        )
        select row_number() over () as number, * from answered
        """  # noqa: S608 - the provider's own query
    )
    if provider.is_signed_by_setting:
        reverse(
            connection,
            "fetched",
            "t.account in (select account from asked inner join unified.account_settings as chosen "  # noqa: S608 - own names
            "on chosen.provider = of_provider and chosen.account_id = of_account_id "
            f"where chosen.sign = '{REVERSED}')",
        )
    drop_pending_that_is_booked(connection)


def _read_stored(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    """Fill ``stored`` with what an entry may be; ``is_covered``: it would be in the answer.

    ``oldest`` is the day of the oldest booked entry of the answer.
    """
    connection.execute(
        f"""
        create or replace temp table stored as
        with reaches as (
            select asked.*, oldest, newest
            from asked
            left join (
                select account, min(booking_date) as oldest, max(booking_date) as newest
                from (
                    select account, booking_date from fetched where status = 'booked'
                    union all
                    select account, booking_date from repeated
                ) group by all
            ) using (account)
        )
        select
            reaches.account,
            reaches.oldest,
            stored.*,
            stored.provider_transaction_id as transaction_id,
            stored.status = 'pending' or coalesce(
                stored.booking_date between reaches.date_from
                    and coalesce(reaches.covers_until, reaches.newest),
                false
            ) as is_covered,
            case when reaches.covers_until is not null then history.whole_until end
                as known_until,
            -- of what another provider has seen, this one proves nothing
            coalesce(
                stored.booking_date >= reaches.date_from + case
                    when reaches.date_from > history.whole_since then {EDGE_DAYS} else 0 end
                and stored.booking_date <= reaches.covers_until
                and coalesce(stored.seen_by, stored.provider) = $provider
                and stored.decided_by is null,
                false
            ) as may_be_withdrawn
        from unified.transactions as stored
        inner join reaches
            on stored.provider = reaches.of_provider and stored.account_id = reaches.of_account_id
        left join unified.account_answers as history
            on history.provider = reaches.of_provider
                and history.account_id = reaches.of_account_id
        anti join repeated on repeated.stored_row = stored.rowid
        where stored.status = 'pending'
            or (
                stored.status in ('booked', 'withdrawn', 'merged')
                and stored.booking_date
                    >= least(reaches.date_from, reaches.oldest) - {LONGEST_PENDING_DAYS}
            )
            or (
                stored.status = 'vanished'
                and stored.last_seen_at >= reaches.fetched_at
                    - interval {LONGEST_PENDING_DAYS} day
            )
        """,  # noqa: S608 - constants
        {"provider": provider.name},
    )


def _update_matched(connection: duckdb.DuckDBPyConnection, provider: Provider) -> None:
    copied = "".join(f"{name} = f.{name}, " for name in COPIED)
    connection.execute(
        f"""
        update unified.transactions as t set
            status = case when t.status = 'merged' then t.status else f.status end,
            provider_transaction_id = f.transaction_id,
            entry_id = f.entry_id,
            seen_by = $provider,
            {copied}
            last_fetch_number = f.fetch_number,
            last_seen_at = f.fetched_at
        from matches as m
        inner join fetched as f using (number)
        where t.transaction_key = m.transaction_key
        """,  # noqa: S608 - own names
        {"provider": provider.name},
    )


COPIED = (
    "booking_date",
    "value_date",
    "amount",
    "description",
    "counterparty",
    "balance_after",
    *OPTIONAL_OF_ENTRIES,
)
"""Columns that a row has from the last entry that was recognised as it."""
_GONE_PENDING = "in no answer any more, and not booked"
_GONE_BOOKED = "its day was answered without it, and nothing new is like it"


def _end(connection: duckdb.DuckDBPyConnection, was: str, status: str, evidence: str) -> int:
    """Give what was open and is gone its last status; returns how many that is."""
    connection.execute(
        """
        create or replace temp table gone as
        select s.*, asked.fetch_number, asked.fetched_at
        from stored as s
        inner join asked using (account)
        inner join open_stored as open using (transaction_key)
        where s.status = $was
            and asked.covers_until is not null
            and ($was = 'pending' or (s.may_be_withdrawn and open.is_covered))
        """,
        {"was": was},
    )
    write_ends(connection, status, evidence)
    connection.execute(
        "update unified.transactions set status = ? "
        "where transaction_key in (select transaction_key from gone)",
        [status],
    )
    if status == "withdrawn":
        # what was merged into it counts by itself
        connection.execute(
            "update unified.transactions set status = 'booked', merged_into = null "
            "where merged_into in (select transaction_key from gone)"
        )
    return _count(connection, "gone")


def _create(connection: duckdb.DuckDBPyConnection, provider: Provider) -> int:
    names = ("status", "currency", *COPIED)
    entry = ", ".join(f"fetched.{name}" for name in names)
    # straight into the table: a copy of a first answer's million rows takes half a gigabyte
    (count,) = connection.execute(
        f"""
        insert into unified.transactions (
            transaction_key, provider, account_id, {", ".join(names)}, provider_transaction_id,
            entry_id, first_fetch_number, last_fetch_number, first_seen_at, last_seen_at, seen_by
        )
        select
            md5(concat_ws(
                '|', $provider, fetched.source_account_id, fetched.fetch_number, fetched.status,
                fetched.entry_id, fetched.copy
            )),
            asked.of_provider, asked.of_account_id, {entry}, fetched.transaction_id,
            fetched.entry_id, fetched.fetch_number, fetched.fetch_number, fetched.fetched_at,
            fetched.fetched_at, $provider
        from fetched
        inner join asked using (account)
        anti join matches using (number)
        where fetched.status = 'pending' or fetched.booking_date >= fetched.create_from
        """,  # noqa: S608 - own names
        {"provider": provider.name},
    ).fetchone() or (0,)
    return count


def _note_answers(connection: duckdb.DuckDBPyConnection) -> None:
    """Note of each account until when and since when its history is whole."""
    connection.execute(
        """
        merge into unified.account_answers as known using (
            select
                of_provider as provider, of_account_id as account_id, date_from as whole_since,
                fetched_at as answered_at,
                least(cast(fetched_at as date), coalesce(covers_until, newest)) as whole_until
            from asked
            left join (
                select account, max(booking_date) as newest from fetched group by all
            ) using (account)
            where covers_until is not null or date_from <= newest
        ) as answer using (provider, account_id)
        when matched then update set
            whole_since = case
                when answer.whole_since <= known.whole_until + 1
                    and answer.whole_until >= known.whole_since - 1
                    then least(known.whole_since, answer.whole_since)
                when answer.whole_until < known.whole_since then known.whole_since
                else answer.whole_since
            end,
            whole_until = greatest(known.whole_until, answer.whole_until),
            answered_at = greatest(known.answered_at, answer.answered_at)
        when not matched then insert by name
        """
    )


def _count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    query = f"select count(*) from {table}"  # noqa: S608 - own names
    (count,) = connection.execute(query).fetchone() or (0,)
    return count
