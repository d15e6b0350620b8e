"""Decisions of the sync that a person, or the bank's own balance, puts right."""

import hashlib
from datetime import datetime

import duckdb

from shared_lib.warehouse import transaction

BY_BALANCE = "balance"
"""What ``decided_by`` says where the bank's balance has decided; else it is a person."""


class DecisionError(ValueError):
    """The decision cannot be made; the text says why."""


def merge_rows(
    connection: duckdb.DuckDBPyConnection,
    key: str,
    into: str,
    *,
    by: str | None,
    at: datetime,
    evidence: str,
) -> None:
    """Let two booked rows be one purchase: ``key`` counts no more, ``into`` does.

    Args:
        connection: a warehouse with the unified tables, outside a transaction.
        key: the row that is one too many.
        into: the row that stays.
        by: the person who says so; none if the bank's balance does.
        at: when, UTC.
        evidence: what it was decided by.

    Raises:
        DecisionError: there are no such rows, or they are not one amount of one account.
    """
    one, other = _booked(connection, key), _booked(connection, into)
    if key == into or one != other:
        raise DecisionError(
            f"{key} and {into} are not two rows of one account, amount and currency"
        )
    with transaction(connection):
        _record(connection, key, "merged", at=at, decision="merged", evidence=evidence)
        connection.execute(
            "update unified.transactions set status = 'merged', merged_into = ?, decided_by = ? "
            "where transaction_key = ?",
            [into, by, key],
        )


def split_row(
    connection: duckdb.DuckDBPyConnection, key: str, *, by: str | None, at: datetime, evidence: str
) -> str:
    """Undo the last decision about a row: it was another purchase; returns that one's key.

    A row that was merged counts again. Of a row that was moved, worded anew or corrected the state
    before becomes a row of its own, which no answer withdraws.

    Args:
        connection: a warehouse with the unified tables, outside a transaction.
        key: the row.
        by: the person who says so; none if the bank's balance does.
        at: when, UTC.
        evidence: what it was decided by.

    Raises:
        DecisionError: there is no such row, or nothing has been decided about it.
    """
    row = connection.execute(
        "select status from unified.transactions where transaction_key = ?", [key]
    ).fetchone()
    if row is None:
        raise DecisionError(f"there is no transaction {key}: see unified.transactions")
    if row[0] in ("merged", "withdrawn"):
        with transaction(connection):
            _record(connection, key, "booked", at=at, decision="split", evidence=evidence)
            connection.execute(
                "update unified.transactions set status = 'booked', merged_into = null, "
                "decided_by = coalesce(?, ?) where transaction_key = ?",
                [by, BY_BALANCE, key],
            )
        return key
    states = connection.execute(
        "select decision, fetch_number, seen_at, booking_date, description, "
        "provider_transaction_id, amount from unified.transaction_states "
        "where transaction_key = ? order by seen_at, fetch_number",
        [key],
    ).fetchall()
    decided = [
        number
        for number, state in enumerate(states)
        if number and state[0] in ("redated", "reworded", "corrected", "booked", "reappeared")
    ]
    if not decided:
        raise DecisionError(f"nothing has been decided about {key}: it has always been as it is")
    before = states[decided[-1] - 1]
    _, fetch_number, seen_at, booking_date, description, identifier, amount = before
    digest = hashlib.md5(f"{key}|{decided[-1]}".encode(), usedforsecurity=False).hexdigest()
    with transaction(connection):
        connection.execute(
            """
            insert into unified.transactions by name
            select * replace (
                $new as transaction_key, 'booked' as status, $day as booking_date,
                coalesce($amount, amount) as amount, $description as description,
                $identifier as provider_transaction_id, null as internal_transaction_id,
                $fetch as first_fetch_number, $seen as first_seen_at,
                $by as decided_by, null as entry_id
            )
            from unified.transactions where transaction_key = $key
            """,
            {
                "new": digest,
                "day": booking_date,
                "amount": amount,
                "description": description,
                "identifier": identifier,
                "fetch": fetch_number,
                "seen": seen_at,
                "by": by or BY_BALANCE,
                "key": key,
            },
        )
        text = f"{evidence}; split from {key}"
        _record(connection, digest, "booked", at=at, decision="split", evidence=text)
    return digest


def withdraw_row(
    connection: duckdb.DuckDBPyConnection, key: str, *, at: datetime, evidence: str
) -> None:
    """Let a row that only the balance had count no more.

    Args:
        connection: a warehouse with the unified tables, outside a transaction.
        key: the row.
        at: when, UTC.
        evidence: what it was decided by.
    """
    with transaction(connection):
        _record(connection, key, "withdrawn", at=at, decision="withdrawn", evidence=evidence)
        connection.execute(
            "update unified.transactions set status = 'withdrawn', decided_by = null "
            "where transaction_key = ?",
            [key],
        )


def states_of(connection: duckdb.DuckDBPyConnection, key: str) -> list[str]:
    """The states of a row in words, the first one first.

    Raises:
        DecisionError: there is no such row.
    """
    rows = connection.execute(
        "select seen_at, status, booking_date, coalesce(states.amount, t.amount), t.currency, "
        "states.description, decision, evidence "
        "from unified.transaction_states as states "
        "inner join (select transaction_key, amount, currency from unified.transactions) as t "
        "using (transaction_key) where transaction_key = ? order by seen_at, fetch_number",
        [key],
    ).fetchall()
    if not rows:
        raise DecisionError(f"there is no transaction {key}: see unified.transactions")
    return [
        f"{seen_at:%Y-%m-%d %H:%M} {status} {day} {amount.normalize():f} {currency} {text!r}"
        + (f" - {decision}: {evidence}" if decision else "")
        for seen_at, status, day, amount, currency, text, decision, evidence in rows
    ]


def _booked(connection: duckdb.DuckDBPyConnection, key: str) -> tuple[object, ...]:
    row = connection.execute(
        "select provider, account_id, currency, amount from unified.transactions "
        "where transaction_key = ? and status = 'booked'",
        [key],
    ).fetchone()
    if row is None:
        raise DecisionError(f"there is no booked transaction {key}: see unified.transactions")
    return row


def _record(
    connection: duckdb.DuckDBPyConnection,
    key: str,
    status: str,
    *,
    at: datetime,
    decision: str,
    evidence: str,
) -> None:
    """Write a state; before it the row's state so far, if none has been written yet."""
    connection.execute(
        """
        insert into unified.transaction_history (
            transaction_key, fetch_number, seen_at, status, booking_date, description,
            provider_transaction_id, amount
        )
        select
            transaction_key, first_fetch_number, first_seen_at, status, booking_date,
            description, provider_transaction_id, amount
        from unified.transactions
        anti join unified.transaction_history using (transaction_key)
        where transaction_key = ?
        """,
        [key],
    )
    connection.execute(
        """
        insert into unified.transaction_history (
            transaction_key, fetch_number, seen_at, status, booking_date, description,
            provider_transaction_id, amount, decision, evidence
        )
        select
            transaction_key, last_fetch_number, ?, ?, booking_date, description,
            provider_transaction_id, amount, ?, ?
        from unified.transactions where transaction_key = ?
        """,
        [at.replace(tzinfo=None), status, decision, evidence, key],
    )
