"""Pairs of what is left: entries that are new beside transactions that are gone.

Account, amount and currency are equal, and the dates near. Of these the most alike are paired
first, then the nearest in time:

- a booked entry and a transaction that was pending or has vanished, where the texts are alike:
  half of the words of the shorter are in the other, or one of the two says nothing;
- a booked entry and a booked transaction that is gone: moved, worded anew or numbered anew;
- a booked entry and a transaction that had been withdrawn, where the texts are alike;
- a pending entry and one that is gone, where the texts are alike, or one that had vanished.

Many equal amounts of one account are paired by rank instead, because pairs grow with the square.
"""

import re
from collections.abc import Sequence

import duckdb

_LEAST_LIKENESS = 0.5
_WORD = re.compile(r"[^\W\d_]{2,}")

_NEAR_DAYS = 5
_FAR_DAYS = 14
# Pairs of one account and amount that are still compared one by one.
_MOST_PAIRS = 2_500

_DAYS = "(f.day - s.day)"
# Of an entry f and a transaction s.
_MAY_BE_ONE = f"""
    case
        when f.status = 'booked' and s.was in ('pending', 'vanished')
            then f.booking_date >= f.create_from and {_DAYS} between -1 and {_FAR_DAYS}
        when f.status = 'booked'
            -- on a day that had been answered before, only what has moved there is new
            then case
                when s.is_covered then abs({_DAYS}) <= {_FAR_DAYS}
                else abs({_DAYS}) <= {_NEAR_DAYS} and f.booking_date <= s.known_until
            end
        when s.was = 'pending' then abs({_DAYS}) <= {_NEAR_DAYS}
        when s.was = 'vanished' then {_DAYS} = 0 and f.content = s.content
        else false
    end
"""
# Where the texts may mean different things.
_WHATEVER_THE_TEXT = f"""
    f.status = 'booked' and s.was = 'booked' and s.is_covered and abs({_DAYS}) <= {_NEAR_DAYS}
"""
_PAIRS = f"""
    with s as (
        select *, coalesce(booking_date, cast(first_seen_at as date)) as day
        from open_stored
        where was <> 'merged'
    ),
    f as (
        select *, coalesce(booking_date, cast(fetched_at as date)) as day from open_fetched
    ),
    sizes as (
        select account, amount, currency, entries * transactions > {_MOST_PAIRS} as is_large
        from (select account, amount, currency, count(*) as entries from f group by all)
        inner join (
            select account, amount, currency, count(*) as transactions from s group by all
        ) using (account, amount, currency)
    )
"""  # noqa: S608 - constants


def content_of(table: str) -> str:
    """The text and the counterparty of a table's rows as one text, in SQL."""
    return f"lower({table}.description) || ' ' || lower(coalesce({table}.counterparty, ''))"


def text_likeness(one: str, other: str) -> float | None:
    """How alike two texts are, from 0 to 1; none if they mean different things."""
    if one == other:
        return 1.0
    words = [set(_WORD.findall(text)) for text in (one, other)]
    if not words[0] or not words[1]:
        return 0.0
    share = len(words[0] & words[1]) / min(len(words[0]), len(words[1]))
    return share if share >= _LEAST_LIKENESS else None


def drop_pending_that_is_booked(connection: duckdb.DuckDBPyConnection) -> None:
    """Delete from ``fetched`` each pending entry that the same answer has as booked too.

    Both have an identifier that nothing else of the answer has, equal amounts, like texts, and
    dates that fit. A bank that assigns one identifier to all entries proves nothing by it.
    """
    for identifier in ("transaction_id", "internal_transaction_id"):
        pairs = connection.execute(
            f"""
            with alone as (
                select account, {identifier} as id
                from fetched
                semi join (from fetched where status = 'pending') using (account, {identifier})
                group by all having count(*) = 2 and count(distinct status) = 2
            ),
            of_two as (
                select fetched.*, id, {content_of("fetched")} as content
                from fetched
                inner join alone
                    on alone.account = fetched.account and alone.id = fetched.{identifier}
            )
            select s.number, f.content, s.content
            from of_two as f
            inner join of_two as s using (account, id, amount, currency)
            where f.status = 'booked' and s.status = 'pending'
                and coalesce(f.booking_date - s.booking_date between -1 and {_FAR_DAYS}, true)
            """  # noqa: S608 - own names
        ).fetchall()
        for number, booked, pending in pairs:
            if text_likeness(booked, pending) is not None:
                connection.execute("delete from fetched where number = ?", [number])


def add_matches(
    connection: duckdb.DuckDBPyConnection, rows: Sequence[tuple[int, str, str]]
) -> None:
    """Add rows to ``matches``, all at once: one by one they take a millisecond each."""
    numbers, keys, evidence = zip(*rows, strict=True) if rows else ((), (), ())
    connection.execute(
        "insert into matches select unnest(?::bigint[]), unnest(?::varchar[]), "
        "unnest(?::varchar[])",
        [list(numbers), list(keys), list(evidence)],
    )


def pair_alike(connection: duckdb.DuckDBPyConnection) -> None:
    """Add pairs of ``open_fetched`` and ``open_stored`` to ``matches``."""
    (is_any_large,) = connection.execute(
        f"{_PAIRS} select exists (from sizes where is_large)"
    ).fetchone() or (False,)
    if is_any_large:
        for key in ("content", _letters("content"), "day", "''"):
            _pair_by_rank(connection, key)
    pairs = connection.execute(
        f"""
        {_PAIRS}
        select
            f.number, s.transaction_key, coalesce(f.transaction_id = s.transaction_id, false),
            f.content, s.content, abs({_DAYS}), {_WHATEVER_THE_TEXT}
        from f
        inner join s using (account, amount, currency)
        inner join sizes using (account, amount, currency)
        where not sizes.is_large and {_MAY_BE_ONE}
        """  # noqa: S608 - own expressions
    ).fetchall()
    candidates = []
    for number, key, is_same_id, fetched, stored, days, is_any_text in pairs:
        likeness = text_likeness(fetched, stored)
        if likeness is None and not is_any_text:
            continue
        rank = -1.0 if likeness is None else likeness + (1.0 if is_same_id else 0.0)
        candidates.append((-rank, days, number, key, likeness))
    entries: set[int] = set()
    transactions: set[str] = set()
    rows = []
    for _, days, number, key, likeness in sorted(candidates, key=lambda pair: pair[:4]):
        if number not in entries and key not in transactions:
            entries.add(number)
            transactions.add(key)
            rows.append((number, key, _evidence(likeness, days)))
    add_matches(connection, rows)


def _evidence(likeness: float | None, days: int) -> str:
    texts = (
        "another text"
        if likeness is None
        else "the same text"
        if likeness == 1
        else f"{likeness:.0%} of the words"
    )
    return f"the only one of its amount that is gone: {texts}, {days} days apart"


def _letters(text: str) -> str:
    """The words of a text without numbers, in SQL."""
    return rf"array_to_string(regexp_extract_all({text}, '\pL{{2,}}'), ' ')"


def _pair_by_rank(connection: duckdb.DuckDBPyConnection, key: str) -> None:
    """Of large groups: the nth entry and the nth transaction of one key, by date."""
    for likely in ("f.status = 'booked' and s.was = 'booked'", "s.was <> 'booked'"):
        of_any_text = key in ("day", "''")
        condition = _WHATEVER_THE_TEXT if of_any_text else _MAY_BE_ONE
        connection.execute(
            f"""
            insert into matches
            {_PAIRS},
            ranked_f as (
                select f.*, {key} as key, row_number() over (
                    partition by account, amount, currency, status, {key} order by day, place
                ) as nth
                from f inner join sizes using (account, amount, currency)
                where is_large and f.number not in (select number from matches)
            ),
            ranked_s as (
                select s.*, {key} as key, row_number() over (
                    partition by account, amount, currency, was, {key} order by day, place
                ) as nth
                from s inner join sizes using (account, amount, currency)
                where is_large
                    and s.transaction_key not in (select transaction_key from matches)
            )
            select f.number, s.transaction_key, 'one of many of its amount, by rank'
            from ranked_f as f
            inner join ranked_s as s using (account, amount, currency, key, nth)
            where {likely} and {condition}
            qualify row_number() over (partition by f.number order by s.was) = 1
                and row_number() over (partition by s.transaction_key order by f.status) = 1
            """  # noqa: S608 - own expressions
        )
