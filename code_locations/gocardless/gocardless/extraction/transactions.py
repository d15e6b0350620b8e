"""The answers about transactions, written with their watermarks in one database transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

import duckdb

from gocardless.bank_api.errors import ApiError
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.reading.bulk_reader import read_texts
from gocardless.extraction.tables import REJECTS, TRANSACTIONS
from gocardless.extraction.writing import insert_new, merge, upsert
from shared_lib.warehouse.rows import replace_rows

# A call for this many days costs no more than one for a few, and returns what was booked late.
DAYS = 90
# A bank may not have the whole history at once: during these days each call requests all of it.
_SETTLING_DAYS = 7
_ANY_DAYS = 100_000


@dataclass(frozen=True)
class Window:
    """The days that a call requests of an account.

    Attributes:
        account_id: the account.
        date_from: first booking date.
        create_from: first booking date from which an unknown entry is a new transaction.
        date_to: the day of the call; it is not sent, since bookings may be dated ahead.
    """

    account_id: str
    date_from: date
    create_from: date
    date_to: date

    def shortened_to(self, days: int) -> "Window":
        """Return the window with at most this number of days."""
        first = max(self.date_from, self.date_to - timedelta(days=days))
        return replace(self, date_from=first, create_from=max(first, self.create_from))


@dataclass(frozen=True)
class AnswerOfWindow:
    """What was asked, and the text that came."""

    window: Window
    text: str

    def as_texts(self) -> tuple[str, str]:
        """A line of JSON with what was asked, and what came, word for word."""
        return f"{json.dumps(asdict(self.window), default=str)}\n", self.text

    @classmethod
    def from_text(cls, text: str) -> "AnswerOfWindow":
        """Back from what :meth:`as_texts` returns, as one text.

        Raises:
            ValueError: it is not such a text.
        """
        head, _, sent = text.partition("\n")
        window = json.loads(head)
        account_id = window.pop("account_id")
        days = {name: date.fromisoformat(day) for name, day in window.items()}
        return cls(Window(account_id=account_id, **days), sent)


def window_of(
    connection: duckdb.DuckDBPyConnection,
    account: AccountToFetch,
    *,
    today: date,
    overlap_days: int,
    days: int = DAYS,
) -> Window:
    """From when on to ask for an account's transactions; see :func:`windows_of`."""
    windows = windows_of(connection, [account], today=today, overlap_days=overlap_days, days=days)
    return windows[account.account_id]


def windows_of(
    connection: duckdb.DuckDBPyConnection,
    accounts: Sequence[AccountToFetch],
    *,
    today: date,
    overlap_days: int,
    days: int = DAYS,
) -> dict[str, Window]:
    """Return the days of transactions to request, by account.

    In the first week, and when an agreement allows more than was ever requested, all that the
    agreement allows. Otherwise ``days``, and more if the last answer or the oldest entry that was
    still pending is older; never more than the agreement allows.

    Args:
        connection: a warehouse with the raw tables.
        accounts: the accounts.
        today: the day of the call.
        overlap_days: the least days before the last answer that are asked for again.
        days: how many are asked for usually.
    """
    rows = connection.execute(
        """
        with pending as (
            -- it may be booked with the day on which it was first seen, whatever its own date is
            select
                account_id,
                min(least(entry.booking_date, cast(entry.first_seen_at as date))) as oldest
            from raw.gc_sightings as sighting
            inner join raw.gc_transactions as entry using (account_id, status, payload_digest)
            where sighting.status = 'pending' and entry.status = 'pending'
                and sighting.last_fetch_number is null
            group by all
        ),
        asked as (
            select
                account_id, min(date_from) as asked_from,
                min(cast(fetched_at as date)) as first_asked_on
            from raw.gc_fetches
            where is_whole
            group by all
        )
        select
            account_id, watermark.fetched_until, pending.oldest, asked.asked_from,
            asked.first_asked_on
        from raw.gc_watermarks as watermark
        inner join asked using (account_id)
        left join pending using (account_id)
        """
    ).fetchall()
    known = {row[0]: _Asked(*row[1:]) for row in rows}
    longest = {
        row[:2]: row[2]
        for row in connection.execute(
            "select account_id, requisition_id, longest_days from raw.gc_shortened_periods"
        ).fetchall()
    }
    return {
        account.account_id: Window(account.account_id, first, first, today)
        for account in accounts
        for first in [
            _first_day(
                min(
                    account.max_historical_days,
                    longest.get((account.account_id, account.requisition_id), _ANY_DAYS),
                ),
                known.get(account.account_id),
                today,
                overlap_days=overlap_days,
                days=days,
            )
        ]
    }


@dataclass(frozen=True)
class _Asked:
    """What has been asked of an account so far."""

    fetched_until: date
    oldest_pending: date | None
    asked_from: date
    first_asked_on: date


def _first_day(
    longest: int, asked: _Asked | None, today: date, *, overlap_days: int, days: int
) -> date:
    earliest = today - timedelta(days=longest)
    if (
        asked is None
        or today - asked.first_asked_on < timedelta(days=_SETTLING_DAYS)
        or earliest < asked.asked_from
    ):
        return earliest
    wanted = [
        today - timedelta(days=days),
        asked.fetched_until - timedelta(days=overlap_days),
    ]
    if asked.oldest_pending is not None:
        wanted.append(asked.oldest_pending - timedelta(days=1))
    return max(earliest, min(wanted))


_IN_THE_LAST_ANSWER = (
    "select account_id, status, payload_digest, copies, payload_hash, rowid as sighting "
    "from raw.gc_sightings where last_fetch_number is null"
)


@dataclass(frozen=True)
class ReadAnswers:
    """Answers that have been read and not been written; until then no others may be read.

    Attributes:
        windows: what was asked, by the place of the answer.
        rejects: rows for what was refused.
        unreadable: why nothing of an answer could be read, by account.
    """

    windows: Mapping[int, Window]
    rejects: Sequence[dict[str, Any]] = ()
    unreadable: Mapping[str, ApiError] = field(default_factory=dict)


def read_answers(
    connection: duckdb.DuckDBPyConnection, answers: Sequence[AnswerOfWindow]
) -> ReadAnswers:
    """Read answers; outside a transaction.

    Args:
        connection: a warehouse with the raw tables.
        answers: of different accounts.
    """
    found = read_texts(
        connection,
        [(one.window.account_id, one.text) for one in answers],
        currencies=account_currencies(connection),
        known=_IN_THE_LAST_ANSWER,
    )
    return ReadAnswers(
        {
            place: answer.window
            for place, answer in enumerate(answers)
            if place not in found.unreadable
        },
        found.rejects,
        {answers[place].window.account_id: error for place, error in found.unreadable.items()},
    )


def remember_shortened(
    connection: duckdb.DuckDBPyConnection,
    shortened: Mapping[str, str],
    *,
    days: int,
    at: datetime,
) -> None:
    """Write down whose bank does not go back as far as was agreed, by account and requisition."""
    for account_id, requisition_id in shortened.items():
        replace_rows(
            connection,
            "raw.gc_shortened_periods",
            "select ? as account_id, ? as requisition_id, ? as longest_days, ? as refused_at",
            key=["account_id", "requisition_id"],
            values=[account_id, requisition_id, days, at.replace(tzinfo=None)],
        )


def account_currencies(connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The currency of each account whose bank has named one."""
    return dict(
        connection.execute(
            "select account_id, upper(trim(currency)) from raw.gc_account_details "
            "where currency is not null"
        ).fetchall()
    )


def record_transactions_read(
    connection: duckdb.DuckDBPyConnection, read: ReadAnswers, *, at: datetime, run_id: str
) -> None:
    """Write what answers have, and move the accounts' watermarks; the caller commits both.

    Args:
        connection: a warehouse with the raw tables, in a transaction.
        read: the answers.
        at: when, UTC.
        run_id: the run that asked.
    """
    windows = list(read.windows.values())
    # to look a million entries up among themselves took half a second of a first load
    write = merge if _has_fetched_any(connection, windows) else insert_new
    write(connection, TRANSACTIONS, "read_entries", seen_at=at, run_id=run_id)
    upsert(connection, REJECTS, read.rejects, seen_at=at, run_id=run_id)
    connection.execute(
        """
        create or replace temp table answered as
        select
            unnest($places::integer[]) as place, unnest($accounts::varchar[]) as account_id,
            unnest($date_from::date[]) as date_from, unnest($create_from::date[]) as create_from,
            unnest($date_to::date[]) as date_to,
            (select coalesce(max(fetch_number), 0) from raw.gc_fetches) as before
        """,
        {
            "places": list(read.windows),
            "accounts": [window.account_id for window in windows],
            "date_from": [window.date_from for window in windows],
            "create_from": [window.create_from for window in windows],
            "date_to": [window.date_to for window in windows],
        },
    )
    connection.execute(
        "insert into raw.gc_fetches "
        "(fetch_number, account_id, date_from, create_from, fetched_at, run_id) "
        "select before + 1 + place, account_id, date_from, create_from, $at, $run from answered",
        {"at": at.replace(tzinfo=None), "run": run_id},
    )
    # nothing has been deleted since the rows were read: they are where they were
    connection.execute(
        "update raw.gc_sightings set last_fetch_number = watermark.fetch_number "
        "from ended_sightings as ended inner join answered using (place) "
        "inner join raw.gc_watermarks as watermark using (account_id) "
        "where gc_sightings.rowid = ended.sighting"
    )
    connection.execute(
        "update raw.gc_sightings set payload_hash = sent.payload_hash "
        "from sent_entries as sent inner join answered using (place) "
        "where sent.payload_hash is not null and gc_sightings.rowid = sent.sighting"
    )
    connection.execute(
        "insert into raw.gc_sightings "
        "(account_id, status, payload_digest, copies, first_fetch_number, payload_hash) "
        "select entry.account_id, entry.status, entry.payload_digest, entry.copies, "
        "answered.before + 1 + answered.place, hash(entry.payload::varchar) "
        "from read_entries as entry inner join answered using (place)"
    )
    replace_rows(
        connection,
        "raw.gc_watermarks",
        "select account_id, date_to as fetched_until, before + 1 + place as fetch_number "
        "from answered",
        key=["account_id"],
    )


def _has_fetched_any(connection: duckdb.DuckDBPyConnection, windows: Sequence[Window]) -> bool:
    """Whether entries of any of the accounts may be there."""
    query = "select count(*) from raw.gc_watermarks where list_contains($accounts, account_id)"
    accounts = {"accounts": [window.account_id for window in windows]}
    (count,) = connection.execute(query, accounts).fetchone() or (0,)
    return count > 0


def record_transactions(
    connection: duckdb.DuckDBPyConnection,
    window: Window,
    lists: Mapping[str, Sequence[Any]],
    *,
    at: datetime,
    run_id: str,
) -> ReadAnswers:
    """The same for the lists ``booked`` and ``pending`` of one answer."""
    read = read_answers(connection, [AnswerOfWindow(window, json.dumps({"transactions": lists}))])
    record_transactions_read(connection, read, at=at, run_id=run_id)
    return read
