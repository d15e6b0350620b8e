"""The answers about transactions, written with their watermark in one database transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from gocardless.extraction.entries import ReadEntries, read_transactions
from gocardless.extraction.repetitions import counted
from gocardless.extraction.scopes import AccountToFetch
from gocardless.extraction.tables import REJECTS, TRANSACTIONS, stage, upsert

# Days asked for before the overlap. What is dated there is recognised and nothing is created
# from it: an entry that moved into the window by a day would otherwise look like a new one.
MARGIN_DAYS = 2

_SIGHTING = {
    "account_id": "varchar",
    "status": "varchar",
    "payload_digest": "varchar",
    "copies": "integer",
}


@dataclass(frozen=True)
class Window:
    """What is asked of an account.

    Attributes:
        account_id: the account.
        date_from: first booking date.
        create_from: first booking date from which an unknown entry is a new transaction.
        date_to: last booking date, the day of the call.
    """

    account_id: str
    date_from: date
    create_from: date
    date_to: date


def window_of(
    connection: duckdb.DuckDBPyConnection,
    account: AccountToFetch,
    *,
    today: date,
    overlap_days: int,
) -> Window:
    """From when on to ask for an account's transactions.

    The first time as far back as the agreement allows; afterwards from the watermark less the
    overlap, or from the oldest entry that was still pending, whichever is earlier.
    """
    earliest = today - timedelta(days=account.max_historical_days)
    row = connection.execute(
        """
        select
            watermark.fetched_until,
            (
                select min(entry.booking_date)
                from raw.gc_sightings as sighting
                inner join raw.gc_transactions as entry
                    using (account_id, status, payload_digest)
                where sighting.fetch_number = watermark.fetch_number
                    and sighting.status = 'pending'
            ) as oldest_pending
        from raw.gc_watermarks as watermark
        where watermark.account_id = ?
        """,
        [account.account_id],
    ).fetchone()
    if row is None:
        return Window(account.account_id, earliest, earliest, today)
    fetched_until, oldest_pending = row
    create_from = fetched_until - timedelta(days=overlap_days)
    if oldest_pending is not None:
        create_from = min(create_from, oldest_pending - timedelta(days=1))
    date_from = create_from - timedelta(days=MARGIN_DAYS)
    if date_from < earliest:
        # the bank gives nothing from before, so there is nothing to recognise there
        date_from, create_from = earliest, max(create_from, earliest)
    return Window(account.account_id, date_from, create_from, today)


def record_transactions(
    connection: duckdb.DuckDBPyConnection,
    window: Window,
    lists: Mapping[str, Sequence[Any]],
    *,
    at: datetime,
    run_id: str,
) -> ReadEntries:
    """Write what one answer has, and move the account's watermark; the caller commits both.

    Args:
        connection: a warehouse with the raw tables, in a transaction.
        window: what was asked.
        lists: the lists ``booked`` and ``pending``.
        at: when, UTC.
        run_id: the run that asked.
    """
    read = read_transactions(window.account_id, lists)
    rows = counted(read.rows)
    upsert(connection, TRANSACTIONS, rows, seen_at=at, run_id=run_id)
    upsert(connection, REJECTS, read.rejects, seen_at=at, run_id=run_id)
    (number,) = connection.execute(
        "insert into raw.gc_fetches select coalesce(max(fetch_number), 0) + 1, ?, ?, ?, ?, ? "
        "from raw.gc_fetches returning fetch_number",
        [window.account_id, window.date_from, window.create_from, at.replace(tzinfo=None), run_id],
    ).fetchone() or (0,)
    if rows:
        sightings = [{name: row[name] for name in _SIGHTING} for row in rows]
        stage(connection, "staged_sightings", _SIGHTING, sightings)
        connection.execute(
            "insert into raw.gc_sightings select ?, * from staged_sightings", [number]
        )
    connection.execute(
        "insert or replace into raw.gc_watermarks values (?, ?, ?)",
        [window.account_id, window.date_to, number],
    )
    return read
