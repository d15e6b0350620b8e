"""Which entry of an answer is which stored transaction: one to one, the surest evidence first.

Amount and currency never differ within one transaction. Of the rest nothing can be relied on, so
entries are paired by how much agrees, and each pair takes both out of what comes after:

1. the same status, content (text and counterparty), date and identifier;
2. the same status, content and date;
3. the same status and content, the date a day apart, with the same identifier, then without;
4. the same status, an identifier that nothing else of the account has on either side, and a date
   a day apart at most: a text that the bank has changed;
5. a booked entry and a transaction that was pending, see :func:`booked_of_pending`;
6. a pending entry and a transaction that had vanished, with the same content and date.

Identifiers only decide between what is equal otherwise, or where they stand alone: an identifier
that is missing, shared or new every time changes nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb

# A booked entry is dated a day before its pending one at the earliest, and so many after.
LONGEST_PENDING_DAYS = 14

_LEAST_LIKENESS = 0.5
_WORD = re.compile(r"[^\W\d_]{2,}")


@dataclass(frozen=True)
class _Stage:
    """Equal on both sides are the account, the money and these, in SQL."""

    fetched: Sequence[str]
    stored: Sequence[str]
    where_fetched: str = "true"
    where_stored: str = "true"


_SAME_STATUS = ("status",)
_SAME_CONTENT = (*_SAME_STATUS, "content")


def _moved(columns: Sequence[str], days: int, *, only: str = "true") -> _Stage:
    return _Stage((*columns, "booking_date"), (*columns, f"booking_date + {days}"), only, only)


_STAGES = (
    _Stage(
        (*_SAME_CONTENT, "booking_date", "transaction_id"),
        (*_SAME_CONTENT, "booking_date", "transaction_id"),
        "transaction_id is not null",
        "transaction_id is not null",
    ),
    _Stage((*_SAME_CONTENT, "booking_date"), (*_SAME_CONTENT, "booking_date")),
    *(
        _moved((*_SAME_CONTENT, "transaction_id"), days, only="transaction_id is not null")
        for days in (1, -1)
    ),
    *(_moved(_SAME_CONTENT, days) for days in (1, -1)),
)
_TELLING_STAGES = tuple(
    _moved((*_SAME_STATUS, "telling_id"), days, only="telling_id is not null")
    for days in (0, 1, -1)
)
_REAPPEARED = _Stage(
    ("content", "booking_date"),
    ("content", "booking_date"),
    "status = 'pending'",
    "status = 'vanished'",
)


def content_of(table: str) -> str:
    """The text and the counterparty of a table's rows as one text, in SQL."""
    return f"lower({table}.description) || ' ' || lower(coalesce({table}.counterparty, ''))"


def match(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill the temporary table ``matches`` from ``fetched`` and ``stored``."""
    connection.execute(
        "create or replace temp table matches (number bigint, transaction_key varchar)"
    )
    if not _open_both(connection):
        return
    for stage in _STAGES:
        _run(connection, stage)
    _find_telling_ids(connection)
    for stage in _TELLING_STAGES:
        _run(connection, stage)
    booked_of_pending(connection)
    _close_matched(connection)
    _run(connection, _REAPPEARED)


def _open_both(connection: duckdb.DuckDBPyConnection) -> bool:
    """Fill ``open_fetched`` and ``open_stored`` with what may be paired; whether anything may.

    Of an account that nothing is stored of, as at its first fetch, nothing may.
    """
    for table, other, identity in (
        ("fetched", "stored", "concat_ws(' ', entry_id, copy)"),
        ("stored", "fetched", "transaction_key"),
    ):
        connection.execute(
            f"""
            create or replace temp table open_{table} as
            select
                *,
                {identity} as place,
                {content_of(table)} as content,
                null::varchar as telling_id
            from {table}
            where account_id in (select account_id from {other})
            """  # noqa: S608 - own names
        )
    return _is_open(connection)


def _find_telling_ids(connection: duckdb.DuckDBPyConnection) -> None:
    """Fill ``telling_id`` of what is open: the identifier, if nothing else of the account has it.

    Late, since it is dear and few entries come so far.
    """
    for table in ("fetched", "stored"):
        connection.execute(
            f"""
            update open_{table} set telling_id = transaction_id
            where (account_id, status, transaction_id) in (
                select (account_id, status, transaction_id)
                from {table}
                where account_id in (select account_id from open_{table})
                group by account_id, status, transaction_id
                having count(*) = 1
            )
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
    common = ("account_id", "amount", "currency")
    joined = _joined(len(common) + len(stage.fetched))
    connection.execute(
        f"""
        insert into matches
        with open_fetched as (
            select number, {_keys((*common, *stage.fetched))}, row_number() over (
                partition by {", ".join((*common, *stage.fetched))}
                order by booking_date, place
            ) as nth
            from open_fetched
            where {stage.where_fetched}
        ),
        open_stored as (
            select transaction_key, {_keys((*common, *stage.stored))}, row_number() over (
                partition by {", ".join((*common, *stage.stored))} order by place
            ) as nth
            from open_stored
            where {stage.where_stored}
        )
        select f.number, s.transaction_key
        from open_fetched as f
        inner join open_stored as s
            on f.nth = s.nth and f.key_0 = s.key_0 and {joined}
        """  # noqa: S608 - own expressions
    )
    _close_matched(connection)


def _keys(expressions: Sequence[str]) -> str:
    return ", ".join(f"{text} as key_{number}" for number, text in enumerate(expressions))


def _joined(count: int) -> str:
    # a pending entry may have no date at all
    return " and ".join(
        f"f.key_{number} is not distinct from s.key_{number}" for number in range(1, count)
    )


def booked_of_pending(connection: duckdb.DuckDBPyConnection) -> None:
    """Pair booked entries with transactions that were pending, or had just vanished.

    The money is equal, the date within :data:`LONGEST_PENDING_DAYS`, and the texts are alike:
    half of the words of the shorter are in the other, or one of the two says nothing. The most
    alike are paired first, of those the nearest in time.
    """
    pairs = connection.execute(
        f"""
        select
            f.number, s.transaction_key, f.transaction_id = s.transaction_id,
            f.content, s.content,
            abs(f.booking_date - s.pending_date) as days
        from open_fetched as f
        inner join (
            select *, coalesce(booking_date, cast(first_seen_at as date)) as pending_date
            from open_stored
            where status in ('pending', 'vanished')
        ) as s
            on f.account_id = s.account_id and f.amount = s.amount and f.currency = s.currency
            and f.booking_date between s.pending_date - 1
                and s.pending_date + {LONGEST_PENDING_DAYS}
        where f.status = 'booked'
            and f.booking_date >= f.create_from
        """  # noqa: S608 - a constant
    ).fetchall()
    candidates = sorted(
        (-(1 + likeness if same_id else likeness), days, number, key)
        for number, key, same_id, booked, pending, days in pairs
        if (likeness := text_likeness(booked, pending)) is not None
    )
    taken: dict[int, str] = {}
    for _, _, number, key in candidates:
        if number not in taken and key not in taken.values():
            taken[number] = key
    if taken:
        connection.executemany("insert into matches values (?, ?)", list(taken.items()))


def text_likeness(one: str, other: str) -> float | None:
    """How alike two texts are, from 0 to 1; none if they mean different things."""
    if one == other:
        return 1.0
    words = [set(_WORD.findall(text)) for text in (one, other)]
    if not words[0] or not words[1]:
        return 0.0
    share = len(words[0] & words[1]) / min(len(words[0]), len(words[1]))
    return share if share >= _LEAST_LIKENESS else None
