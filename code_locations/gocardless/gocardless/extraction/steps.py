"""Each scope of the linked accounts, from the API into its raw table."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from gocardless.api.client import BankDataClient
from gocardless.api.models import Account, BalancesAnswer, DetailsAnswer, TransactionsAnswer
from gocardless.extraction.accounts import ScopeOutcome, fetch_scope, utc_now
from gocardless.extraction.budget import CallBudget, Scope
from gocardless.extraction.entries import read_balances
from gocardless.extraction.registers import account_row, details_row
from gocardless.extraction.scopes import InactiveConnectionError, accounts_to_fetch
from gocardless.extraction.tables import (
    ACCOUNT_DETAILS,
    BALANCES,
    BANK_ACCOUNTS,
    REJECTS,
    upsert,
)
from gocardless.extraction.transactions import record_transactions, window_of


@dataclass(frozen=True, kw_only=True)
class Extraction:
    """What the steps of one run share.

    Attributes:
        connection: a warehouse with the raw tables.
        client: calls the API.
        run_id: the run.
        connection_id: the one connection that it is about; none for all.
        refresh: whether to ask though the answer of the day is there.
        concurrency: calls at a time.
        now: the time, UTC.
    """

    connection: duckdb.DuckDBPyConnection
    client: BankDataClient
    run_id: str
    connection_id: str | None = None
    refresh: bool = False
    concurrency: int = 4
    now: Callable[[], datetime] = utc_now


def extract_bank_accounts(run: Extraction) -> ScopeOutcome:
    """What the vendor knows of the accounts."""
    requisitions: dict[str, str] = {}

    def write(_: str, account: Account, at: datetime) -> int:
        row = account_row(account, requisition_id=requisitions[account.id])
        upsert(run.connection, BANK_ACCOUNTS, [row], seen_at=at, run_id=run.run_id)
        return 0

    def ask(account_id: str) -> Any:
        return run.client.account(account_id)

    return _of_accounts(run, "metadata", ask, write, requisitions=requisitions)


def extract_account_details(run: Extraction, *, fresh_for_days: int) -> ScopeOutcome:
    """What the banks say of the accounts, which changes rarely."""

    def write(account_id: str, answer: DetailsAnswer, at: datetime) -> int:
        row = details_row(account_id, answer.account)
        upsert(run.connection, ACCOUNT_DETAILS, [row], seen_at=at, run_id=run.run_id)
        return 0

    return _of_accounts(run, "details", run.client.details, write, fresh_for_days=fresh_for_days)


def extract_balances(run: Extraction) -> ScopeOutcome:
    """The balances of the accounts."""

    def write(account_id: str, answer: BalancesAnswer, at: datetime) -> int:
        read = read_balances(account_id, answer.balances)
        upsert(run.connection, BALANCES, read.rows, seen_at=at, run_id=run.run_id)
        upsert(run.connection, REJECTS, read.rejects, seen_at=at, run_id=run.run_id)
        return len(read.rejects)

    return _of_accounts(run, "balances", run.client.balances, write)


def extract_transactions(run: Extraction, *, overlap_days: int) -> ScopeOutcome:
    """The transactions of the accounts, from where the last answer ended."""
    try:
        accounts = accounts_to_fetch(run.connection, run.connection_id)
    except InactiveConnectionError as error:
        return ScopeOutcome(skipped=str(error))
    today = run.now().date()
    # before any thread starts: a connection is not made for several
    windows = {
        account.account_id: window_of(
            run.connection, account, today=today, overlap_days=overlap_days
        )
        for account in accounts
    }

    def ask(account_id: str) -> Any:
        window = windows[account_id]
        return run.client.transactions(
            account_id, date_from=window.date_from, date_to=window.date_to
        )

    def write(account_id: str, answer: TransactionsAnswer, at: datetime) -> int:
        lists = {"booked": answer.transactions.booked, "pending": answer.transactions.pending}
        window = windows[account_id]
        read = record_transactions(run.connection, window, lists, at=at, run_id=run.run_id)
        return len(read.rejects)

    return _of_accounts(run, "transactions", ask, write)


def _of_accounts(
    run: Extraction,
    scope: Scope,
    ask: Callable[[str], Any],
    write: Callable[[str, Any, datetime], int],
    *,
    requisitions: dict[str, str] | None = None,
    fresh_for_days: int = 1,
) -> ScopeOutcome:
    try:
        accounts = accounts_to_fetch(run.connection, run.connection_id)
    except InactiveConnectionError as error:
        return ScopeOutcome(skipped=str(error))
    if requisitions is not None:
        requisitions |= {account.account_id: account.requisition_id for account in accounts}
    return fetch_scope(
        run.connection,
        [account.account_id for account in accounts],
        budget=CallBudget(run.connection, scope, fresh_for_days=fresh_for_days),
        ask=ask,
        write=write,
        concurrency=run.concurrency,
        refresh=run.refresh,
        now=run.now,
    )
