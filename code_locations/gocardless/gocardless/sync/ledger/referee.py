"""The bank's own balance decides between "doubled" and "bought twice".

Where a report of the same run is not what the transactions add up to, and exactly one decision
explains the difference, that decision is made or undone, with the balance as its evidence. If the
balance changes its mind, so does the next sync. Where none or several explain it, nothing is done,
and the check on the balances names the rows.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

import duckdb

from gocardless.sync.ledger.corrections import BY_BALANCE, merge_rows, split_row, withdraw_row
from gocardless.sync.ledger.likeness import text_likeness

_SAME_RUN_SECONDS = 3600
_NEAR = timedelta(days=5)


@dataclass(frozen=True)
class Doubt:
    """An account whose balance is not what its transactions add up to.

    Attributes:
        provider: where the account was learned.
        account_id: the account.
        currency: of the amounts.
        difference: what the bank reports less what the transactions add up to.
        since: what was seen before it is in the opening balance.
        reported_at: when the bank reported it, UTC.
        is_current: whether it is the balance of the day on which it was reported.
    """

    provider: str
    account_id: str
    currency: str
    difference: Decimal
    since: datetime
    reported_at: datetime
    is_current: bool = True


@dataclass(frozen=True)
class _Row:
    key: str
    day: date
    content: str
    amount: Decimal
    first_fetch_number: int


Pair = tuple[str, str]


def judge(connection: duckdb.DuckDBPyConnection, *, own_money: str, types: Sequence[str]) -> int:
    """Make and undo the decisions that balances prove; returns how many.

    Args:
        connection: a warehouse with the unified tables, balances synced.
        own_money: in SQL, what of ``report`` is the account's own by its ``settings``.
        types: the types of booked balances, the most trusted first.
    """
    decided = 0
    for doubt in _doubts(connection, own_money, types):
        evidence = f"the bank's balance of {doubt.reported_at:%Y-%m-%d %H:%M}"
        at = doubt.reported_at
        if key := _restored(connection, doubt):
            withdraw_row(connection, key, at=at, evidence=evidence)
            decided += 1
        elif pairs := doubled(connection, doubt):
            for extra, kept in pairs:
                merge_rows(connection, extra, kept, by=None, at=at, evidence=evidence)
            decided += 1
        elif key := _missing(connection, doubt):
            split_row(connection, key, by=None, at=at, evidence=evidence)
            decided += 1
    return decided


def _doubts(
    connection: duckdb.DuckDBPyConnection, own_money: str, types: Sequence[str]
) -> list[Doubt]:
    rows = connection.execute(
        f"""
        with reports as (
            select
                report.* exclude (amount), {own_money} as own, opening.opening_balance,
                opening.anchored_at
            from unified.balances as report
            inner join unified.account_answers as answers using (provider, account_id)
            inner join unified.opening_balances as opening
                using (provider, account_id, currency)
            left join unified.account_settings as settings using (provider, account_id)
            where list_contains($types, report.balance_type)
                and abs(epoch(report.reported_at - answers.answered_at)) <= {_SAME_RUN_SECONDS}
                and report.reported_at > opening.anchored_at and own is not null
            qualify row_number() over (
                partition by report.provider, report.account_id, report.currency
                order by list_position($types, report.balance_type), report.reported_at desc,
                    report.reference_date desc
            ) = 1
        )
        select
            provider, account_id, currency, own - opening_balance - coalesce(sum(amount), 0),
            own - opening_balance - coalesce(
                sum(amount) filter (where booking_date <= reference_date), 0
            ) as by_day,
            anchored_at, reported_at, reference_date >= cast(reported_at as date)
        from reports
        left join (
            select provider, account_id, currency, amount, booking_date
            from unified.transactions where status = 'booked'
        ) using (provider, account_id, currency)
        group by
            provider, account_id, currency, own, opening_balance, anchored_at, reported_at,
            reference_date
        """,  # noqa: S608 - own expressions
        {"types": list(types)},
    ).fetchall()
    return [
        Doubt(provider, account_id, currency, by_day, since, reported_at, is_current)
        for provider, account_id, currency, in_all, by_day, since, reported_at, is_current in rows
        if in_all and by_day
    ]


def doubled(connection: duckdb.DuckDBPyConnection, doubt: Doubt) -> list[Pair]:
    """The rows that are one too many, each with the one that stays; empty where that is unclear."""
    rows = _booked_since(connection, doubt)
    candidates = pairs_of(rows, -doubt.difference)
    kinds = {
        frozenset((rows[one].content, rows[one].day, rows[other].content, rows[other].day))
        for one, other in candidates
    }
    if len(kinds) == 1:
        return candidates[:1]
    return [] if candidates else _list_sent_twice(list(rows.values()), -doubt.difference)


def pairs_of(rows: dict[str, _Row], amount: Decimal) -> list[Pair]:
    """Rows of one amount that may be one purchase: the later one and the one that would stay."""
    found = [row for row in rows.values() if row.amount == amount]
    return [
        (other.key, one.key)
        for number, one in enumerate(found)
        for other in found[number + 1 :]
        if abs(other.day - one.day) <= _NEAR
        and text_likeness(one.content, other.content) is not None
    ]


def suspects(connection: duckdb.DuckDBPyConnection, doubt: Doubt) -> list[str]:
    """The texts and days of rows that look like one purchase and would explain the difference."""
    rows = _booked_since(connection, doubt)
    return [
        " and ".join(
            f"{rows[key].content.strip()!r} of {rows[key].day} ({key})" for key in (kept, extra)
        )
        for extra, kept in pairs_of(rows, -doubt.difference)
    ]


def _booked_since(connection: duckdb.DuckDBPyConnection, doubt: Doubt) -> dict[str, _Row]:
    rows = connection.execute(
        """
        select
            transaction_key, booking_date,
            lower(description) || ' ' || lower(coalesce(counterparty, '')), amount,
            first_fetch_number
        from unified.transactions
        where provider = ? and account_id = ? and currency = ? and status = 'booked'
            and coalesce(decided_by, 'balance') = 'balance'
        qualify max(first_seen_at) over (partition by amount) > ?
        order by first_seen_at, booking_date, transaction_key
        """,
        [doubt.provider, doubt.account_id, doubt.currency, doubt.since],
    ).fetchall()
    return {row[0]: _Row(*row) for row in rows}


def _list_sent_twice(rows: Sequence[_Row], amount: Decimal) -> list[Pair]:
    """Half of what one answer brought, where it all came twice and is together the amount."""
    for number in {row.first_fetch_number for row in rows}:
        equal: dict[tuple[str, date, Decimal], list[str]] = defaultdict(list)
        for row in rows:
            if row.first_fetch_number == number:
                equal[row.content, row.day, row.amount].append(row.key)
        twice = {what: keys for what, keys in equal.items() if len(keys) == 2}  # noqa: PLR2004 - two
        if twice and sum((what[2] for what in twice), Decimal(0)) == amount:
            return [(keys[1], keys[0]) for keys in twice.values()]
    return []


def _restored(connection: duckdb.DuckDBPyConnection, doubt: Doubt) -> str | None:
    """The one row that is in no answer, that a balance had, and that this one has no more."""
    rows = connection.execute(
        "select transaction_key from unified.transactions "
        "inner join unified.account_answers as answers using (provider, account_id) "
        "where provider = ? and account_id = ? and currency = ? and amount = ? "
        "and status = 'booked' and decided_by = ? and last_seen_at < answers.answered_at",
        [doubt.provider, doubt.account_id, doubt.currency, -doubt.difference, BY_BALANCE],
    ).fetchall()
    return rows[0][0] if len(rows) == 1 else None


def _missing(connection: duckdb.DuckDBPyConnection, doubt: Doubt) -> str | None:
    """The one row that a balance merged or an answer withdrew, and that the balance has.

    The balance of a day that is over may have what has been withdrawn since.
    """
    rows = connection.execute(
        "select transaction_key from unified.transactions "
        "where provider = ? and account_id = ? and currency = ? and amount = ? "
        "and (status = 'merged' or (status = 'withdrawn' and ?)) and decided_by is null",
        [doubt.provider, doubt.account_id, doubt.currency, doubt.difference, doubt.is_current],
    ).fetchall()
    return rows[0][0] if len(rows) == 1 else None
