"""Which entry of an answer is which stored transaction: one to one, the surest evidence first.

Nothing that a bank sends can be relied on, so entries are paired by how much agrees, and each pair
takes both out of what comes after:

1. the same status, content (text and counterparty), date and identifier;
2. the same status, content and date: equal ones are paired by rank;
3. the same status and amount, and an identifier that nothing else of the account has on either
   side, at any date: moved or worded anew;
4. the same identifier of that kind and another amount, where the stored one is no longer in the
   answer: corrected;
5. what is left of one account and amount and near in time, see
   :mod:`gocardless.sync.ledger.likeness`.

A stored transaction that is still in the answer is paired in the first steps. So what comes to the
last one is gone from an answer that covers its day, or lies just outside of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

from gocardless.sync.ledger.likeness import add_matches, content_of, pair_alike, text_likeness

# An entry dated up to this many days before an answer begins may have moved into it.
EDGE_DAYS = 5
# A booked entry is dated from a day before its pending one to this many days after it; an entry
# that moves, moves no further.
LONGEST_PENDING_DAYS = 14
# If this many transactions before the oldest entry of an answer are missing, the answer is short,
# and none of them counts as withdrawn.
_SHORT_ANSWER = 3

_IDENTIFIERS = ("transaction_id", "internal_transaction_id", "entry_reference")


@dataclass(frozen=True)
class _Stage:
    """Equal on both sides are the account, the money and these columns."""

    columns: Sequence[str]
    where: str = "true"


_EXACT = ("status", "content", "booking_date")
_STAGES = (
    _Stage((*_EXACT, "transaction_id"), "transaction_id is not null"),
    _Stage(_EXACT),
)


def match(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary table ``matches`` from ``fetched``, ``stored`` and ``asked``."""
    connection.execute(
        "create or replace temp table matches "
        "(number bigint, transaction_key varchar, evidence varchar)"
    )
    _open_both(connection)
    for stage in _STAGES:
        _run(connection, stage)
    _uncover_what_a_short_answer_lacks(connection)
    if not _is_open(connection):
        return
    for identifier in _IDENTIFIERS:
        _pair_by(connection, identifier, is_correction=False)
    for identifier in _IDENTIFIERS:
        _pair_by(connection, identifier, is_correction=True)
    pair_alike(connection)
    _close_matched(connection)


def _open_both(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``open_fetched`` and ``open_stored`` with what may be paired.

    Of an account that nothing is stored of, as at its first fetch, nothing may. What has been
    withdrawn or merged has the status that it had: it may be there again.
    """
    for table, condition, place, status in (
        (
            "fetched",
            "account in (select account from stored)",
            "concat_ws(' ', entry_id, copy)",
            "status",
        ),
        (
            "stored",
            "true",
            "transaction_key",
            "case when status in ('withdrawn', 'merged') then 'booked' else status end",
        ),
    ):
        connection.execute(
            f"""
            create or replace temp table open_{table} as
            select
                * exclude (status),
                {status} as status,
                status as was,
                {place} as place,
                {content_of(table)} as content
            from {table}
            where {condition}
            """  # noqa: S608 - own names
        )


def _is_open(connection: duckdb.DuckDBPyConnection) -> bool:
    (both,) = connection.execute(
        "select exists (from open_fetched) and exists (from open_stored)"
    ).fetchone() or (False,)
    return both


def _close_matched(connection: duckdb.DuckDBPyConnection) -> None:
    connection.execute(
        "delete from open_fetched where number in (select number from matches);"
        "delete from open_stored where transaction_key in (select transaction_key from matches)"
    )


def _run(connection: duckdb.DuckDBPyConnection, stage: _Stage) -> None:
    if not _is_open(connection):
        return
    columns = ("account", "amount", "currency", *stage.columns)
    keys = ", ".join(f"{column} as key_{number}" for number, column in enumerate(columns))
    # a pending entry may have no date at all
    joined = " and ".join(
        f"f.key_{number} is not distinct from s.key_{number}" for number in range(1, len(columns))
    )
    connection.execute(
        f"""
        insert into matches
        with open_fetched as (
            select number, {keys}, row_number() over (
                partition by {", ".join(columns)} order by place
            ) as nth
            from open_fetched
            where {stage.where}
        ),
        open_stored as (
            select transaction_key, {keys}, row_number() over (
                partition by {", ".join(columns)} order by was <> status, place
            ) as nth
            from open_stored
            where {stage.where}
        )
        select f.number, s.transaction_key, null
        from open_fetched as f
        inner join open_stored as s
            on f.nth = s.nth and f.key_0 = s.key_0 and {joined}
        """  # noqa: S608 - own expressions
    )
    _close_matched(connection)


def _uncover_what_a_short_answer_lacks(connection: duckdb.DuckDBPyConnection) -> None:
    """A bank that leaves out the older part of what it was asked for has not withdrawn it."""
    connection.execute(
        f"""
        update open_stored set is_covered = false
        from (
            select account
            from open_stored
            where was = 'booked' and is_covered
                and (oldest is null or booking_date < oldest)
            group by all
            having count(*) >= {_SHORT_ANSWER}
        ) as short
        where open_stored.account = short.account and was = 'booked'
            and (oldest is null or booking_date < oldest)
        """  # noqa: S608 - a constant
    )


def _pair_by(
    connection: duckdb.DuckDBPyConnection, identifier: str, *, is_correction: bool
) -> None:
    """Pair what has an identifier that nothing else of the account has on either side."""
    if not _is_open(connection):
        return
    amounts = "f.amount <> s.amount" if is_correction else "f.amount = s.amount"
    # before the answer begins, identifiers may have been used before
    reach = (
        "s.is_covered"
        if is_correction
        else f"(s.is_covered or abs(f.booking_date - s.booking_date) <= {LONGEST_PENDING_DAYS})"
    )
    pairs = connection.execute(
        f"""
        with open_ids as (
            select account, status, {identifier} as id from open_fetched
            where {identifier} is not null
            intersect
            select account, status, {identifier} from open_stored
        ),
        alone as (
            select account, status, id from open_ids
            anti join (
                select account, status, {identifier} as id from fetched
                semi join open_ids on fetched.account = open_ids.account
                    and fetched.status = open_ids.status and {identifier} = open_ids.id
                group by all having count(*) > 1
            ) using (account, status, id)
            anti join (
                select account, status, {identifier} as id from stored
                semi join open_ids on stored.account = open_ids.account
                    and stored.status = open_ids.status and {identifier} = open_ids.id
                group by all having count(*) > 1
            ) using (account, status, id)
        )
        select f.number, s.transaction_key, f.content, s.content
        from alone
        inner join open_fetched as f
            on f.account = alone.account and f.status = alone.status and f.{identifier} = alone.id
        inner join open_stored as s
            on s.account = alone.account and s.status = alone.status and s.{identifier} = alone.id
        where f.currency = s.currency and {amounts} and {reach}
        """  # noqa: S608 - own expressions
    ).fetchall()
    evidence = f"{identifier} that nothing else of the account has"
    rows = [
        (number, key, evidence)
        for number, key, fetched, stored in pairs
        # of another amount and meaning it is another transaction with a number of the day
        if not is_correction or text_likeness(fetched, stored) is not None
    ]
    if rows:
        add_matches(connection, rows)
        _close_matched(connection)
