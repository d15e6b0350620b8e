"""Entries that were refused and may be readable to this release: each is tried once again."""

import json
from datetime import datetime, timedelta
from typing import Any

import duckdb

from gocardless.extraction.reading.entries import READER, read_transactions
from gocardless.extraction.tables import TRANSACTIONS
from gocardless.extraction.transactions import account_currencies
from gocardless.extraction.writing import upsert
from shared_lib.warehouse import transaction


def retry_rejects(
    connection: duckdb.DuckDBPyConnection, *, at: datetime, run_id: str, every: bool = False
) -> int:
    """Take the entries that were refused and can be read now.

    Each account gets an answer of these entries alone, which proves nothing of what it lacks.

    Args:
        connection: a warehouse with the raw tables, outside a transaction.
        at: when, UTC.
        run_id: the run that does it.
        every: whether to try those too that this reader has refused: the account's currency may
            be known since then. Else only those of an older reader.

    Returns:
        How many were taken.
    """
    rejects = connection.execute(
        "select account_id, payload_digest, payload, coalesce(status, 'booked') "
        "from raw.gc_rejects where scope = 'transactions' and (reader is distinct from ? or ?)",
        [READER, every],
    ).fetchall()
    currencies = account_currencies(connection) if rejects else {}
    read: dict[str, list[dict[str, Any]]] = {}
    taken: list[str] = []
    for account_id, digest, payload, status in rejects:
        entry = json.loads(payload, parse_float=str)
        lists = {status: [entry]}
        rows = read_transactions(account_id, lists, currency=currencies.get(account_id)).rows
        if rows:
            read.setdefault(account_id, []).extend(rows)
            taken.append(digest)
    if not rejects:
        return 0
    with transaction(connection):
        for account_id, rows in read.items():
            _record(connection, account_id, rows, at=at, run_id=run_id)
        connection.execute(
            "delete from raw.gc_rejects where scope = 'transactions' "
            "and list_contains($taken, payload_digest)",
            {"taken": taken},
        )
        connection.execute(
            "update raw.gc_rejects set reader = ? where scope = 'transactions'", [READER]
        )
    return len(taken)


def _record(
    connection: duckdb.DuckDBPyConnection,
    account_id: str,
    rows: list[dict[str, Any]],
    *,
    at: datetime,
    run_id: str,
) -> None:
    upsert(connection, TRANSACTIONS, rows, seen_at=at, run_id=run_id)
    days = [row["booking_date"] for row in rows if row["booking_date"]] or [at.date()]
    (number,) = connection.execute(
        "select coalesce(max(fetch_number), 0) + 1 from raw.gc_fetches"
    ).fetchone() or (0,)
    # it begins after its entries: what is stored of their days is not gone
    begins = max(days) + timedelta(days=1)
    connection.execute(
        "insert into raw.gc_fetches "
        "(fetch_number, account_id, date_from, create_from, fetched_at, run_id, is_whole) "
        "values (?, ?, ?, ?, ?, ?, false)",
        [number, account_id, begins, min(days), at.replace(tzinfo=None), run_id],
    )
    for row in {(row["status"], row["payload_digest"]): row for row in rows}.values():
        connection.execute(
            "insert into raw.gc_sightings "
            "(account_id, status, payload_digest, copies, first_fetch_number, last_fetch_number) "
            "values (?, ?, ?, 1, ?, ?)",
            [account_id, row["status"], row["payload_digest"], number, number],
        )
