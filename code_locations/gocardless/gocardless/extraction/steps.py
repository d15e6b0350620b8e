"""The scopes that every API has, from the API into their raw tables."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from gocardless.bank_api.client import Answer, BankApiClient
from gocardless.bank_api.documents import BalancesAnswer, Document
from gocardless.bank_api.errors import ApiError, MalformedAnswerError
from gocardless.extraction.accounts import AccountToFetch, InactiveConnectionError
from gocardless.extraction.budget import Scope
from gocardless.extraction.fetch_scope import (
    ReadBatch,
    ScopeOutcome,
    fetch_scope,
    utc_now,
)
from gocardless.extraction.journal import Received, Wording
from gocardless.extraction.operational.state import operational_state
from gocardless.extraction.reading.entries import ReadEntries, read_balances
from gocardless.extraction.reading.rejected_entries import retry_rejects
from gocardless.extraction.tables import BALANCES, REJECTS, RawTable
from gocardless.extraction.transactions import (
    DAYS,
    AnswerOfWindow,
    account_currencies,
    read_answers,
    record_transactions_read,
    remember_shortened,
    windows_of,
)
from gocardless.extraction.writing import upsert

AccountsOf = Callable[[duckdb.DuckDBPyConnection, str | None], Sequence[AccountToFetch]]
"""Returns the accounts of all connections, or of the one whose id is the second argument."""


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What the steps of one run share.

    Attributes:
        connection: a warehouse with the raw tables.
        client: calls the API.
        run_id: the run.
        accounts: which accounts there are, of all connections or of one.
        connection_id: the one connection that it is about; none for all.
        refresh: whether to ask though the answer of the day is there.
        concurrency: calls at a time.
        now: the time, UTC.
    """

    connection: duckdb.DuckDBPyConnection
    client: BankApiClient
    run_id: str
    accounts: AccountsOf
    connection_id: str | None = None
    refresh: bool = False
    concurrency: int = 4
    now: Callable[[], datetime] = utc_now


def extract_balances(run: Extraction) -> ScopeOutcome:
    """The balances of the accounts."""

    def rows(received: Received[BalancesAnswer]) -> ReadEntries:
        account_id = received.account_id
        currency = account_currencies(run.connection).get(account_id)
        return read_balances(account_id, received.answer.body.balances, currency=currency)

    def extract(accounts: Sequence[AccountToFetch]) -> ScopeOutcome:
        read = into_table(run, BALANCES, rows)
        wording = as_json(BalancesAnswer)
        return fetch_accounts(run, "balances", accounts, run.client.balances, read, wording)

    return of_accounts(run, extract)


def extract_transactions(run: Extraction, *, overlap_days: int, days: int = DAYS) -> ScopeOutcome:
    """Fetch the transactions of the accounts, for the days that each agreement allows."""

    def extract(accounts: Sequence[AccountToFetch]) -> ScopeOutcome:
        windows = windows_of(
            run.connection,
            accounts,
            today=run.now().date(),
            overlap_days=overlap_days,
            days=days,
        )
        retry_rejects(run.connection, at=run.now(), run_id=run.run_id)
        requisitions = {account.account_id: account.requisition_id for account in accounts}
        shortened: dict[str, str] = {}

        def ask(account_id: str) -> Answer[AnswerOfWindow]:
            window = windows[account_id]
            try:
                answer = run.client.transactions_text(account_id, date_from=window.date_from)
            except ApiError as error:
                shorter = window.shortened_to(DAYS)
                if not error.may_be_of_the_period or shorter == window:
                    raise
                answer = run.client.transactions_text(account_id, date_from=shorter.date_from)
                window, shortened[account_id] = shorter, requisitions[account_id]
            return Answer(AnswerOfWindow(window, answer.body), answer.limit)

        def read(received: Sequence[Received[AnswerOfWindow]]) -> ReadBatch:
            found = read_answers(run.connection, [one.answer.body for one in received])
            at = received[0].at if received else run.now()

            def write() -> None:
                record_transactions_read(run.connection, found, at=at, run_id=run.run_id)
                remember_shortened(run.connection, shortened, days=DAYS, at=at)

            return ReadBatch(write, len(found.rejects), found.unreadable)

        wording = Wording(AnswerOfWindow.as_texts, AnswerOfWindow.from_text)
        return fetch_accounts(run, "transactions", accounts, ask, read, wording)

    return of_accounts(run, extract)


def into_table(
    run: Extraction, table: RawTable, rows: Callable[[Received[Any]], ReadEntries]
) -> Callable[[Sequence[Received[Any]]], ReadBatch]:
    """Return what reads answers that are few rows each, and writes them into ``table``."""

    def read(received: Sequence[Received[Any]]) -> ReadBatch:
        found = ReadEntries()
        unreadable: dict[str, ApiError] = {}
        for one in received:
            try:
                of_account = rows(one)
            except MalformedAnswerError as error:
                unreadable[one.account_id] = error
                continue
            found.rows += of_account.rows
            found.rejects += of_account.rejects
        at = received[0].at if received else run.now()

        def write() -> None:
            upsert(run.connection, table, found.rows, seen_at=at, run_id=run.run_id)
            upsert(run.connection, REJECTS, found.rejects, seen_at=at, run_id=run.run_id)

        return ReadBatch(write, len(found.rejects), unreadable)

    return read


def as_json(model: type[Document]) -> Wording[Any]:
    """Return how the journal keeps bodies of a model."""
    # not pydantic's own JSON, which refuses what JSON can write: half of a surrogate pair
    return Wording(
        lambda body: [json.dumps(body.model_dump(mode="json"))],
        lambda text: model.model_validate(json.loads(text)),
    )


def of_accounts(
    run: Extraction, extract: Callable[[Sequence[AccountToFetch]], ScopeOutcome]
) -> ScopeOutcome:
    """Extract what the run's accounts have; nothing while its one connection is inactive."""
    try:
        accounts = run.accounts(run.connection, run.connection_id)
    except InactiveConnectionError as error:
        return ScopeOutcome(skipped=str(error))
    return extract(accounts)


def fetch_accounts(
    run: Extraction,
    scope: Scope,
    accounts: Sequence[AccountToFetch],
    ask: Callable[[str], Answer[Any]],
    read: Callable[[Sequence[Received[Any]]], ReadBatch],
    wording: Wording[Any],
    *,
    fresh_for_days: int = 1,
) -> ScopeOutcome:
    """Fetch a scope of accounts with the run's budget and journal; see :func:`fetch_scope`."""
    with operational_state(run.connection) as state:
        return fetch_scope(
            run.connection,
            [account.account_id for account in accounts],
            budget=state.budget(scope, fresh_for_days=fresh_for_days),
            ask=ask,
            read=read,
            concurrency=run.concurrency,
            journal=state.journal(scope, wording),
            refresh=run.refresh,
            now=run.now,
        )
