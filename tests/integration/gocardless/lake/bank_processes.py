"""Runs of the bank that tests start as processes, so that no more than a run needs is imported."""

import os
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from typing import Any
from unittest import mock

import duckdb

from gocardless.bank_account_data.client import BankDataClient, token_sharing
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.steps import extract_account_details
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.operational.shared import shared_state
from gocardless.extraction.operational.shared_journal import SharedJournal
from gocardless.extraction.steps import Extraction, extract_balances, extract_transactions
from gocardless.opening import LOCATION, bank_tables
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.connection_filter import provider_of_connection
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts, sync_connections
from gocardless.sync.tables import create_unified_tables
from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.warehouse import transaction
from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.lake.claim import claimed
from shared_lib.warehouse.setting import Backend, backend_of
from shared_lib.warehouse.transaction import guarded

SCOPE = "balances"


def client_of(url: str, now: datetime) -> BankDataClient:
    """A client of the sandbox whose time is ``now``."""
    return client_with_clock(url, lambda: now)


def client_with_clock(
    url: str, now: Callable[[], datetime], *, secret_key: str = "sandbox-key"
) -> BankDataClient:
    """A client of the sandbox, as the backend of the environment has it."""
    return BankDataClient(
        url=url,
        credentials=lambda: {"secret_id": "sandbox-id", "secret_key": secret_key},
        now=now,
        sharing=token_sharing(url),
    )


def sync(
    url: str, now: datetime, *, connection_id: str | None = None, both: Barrier | None = None
) -> None:
    """Fetch and sync all connections, or one; one call at a time, so that answers have an order.

    ``both`` is waited for while the right to write is held.
    """
    client = client_of(url, now)
    with _opened(connection_id) as connection:
        if both is not None:
            both.wait(PATIENCE_SECONDS)
        create_tables(connection)
        if connection_id is None:
            extract_requisitions(connection, client, at=now, run_id="run")
        run = Extraction(
            connection=connection,
            client=client,
            run_id="run",
            accounts=accounts_to_fetch,
            connection_id=connection_id,
            concurrency=1,
            now=lambda: now,
        )
        extract_account_details(run, fresh_for_days=30)
        extract_balances(run)
        extract_transactions(run, overlap_days=3)
        provider = GOCARDLESS
        with transaction(connection):
            if connection_id is None:
                sync_connections(connection, provider)
            else:
                provider = provider_of_connection(provider, connection_id)
            sync_accounts(connection, GOCARDLESS, now=now, connection_id=connection_id)
            sync_transactions(connection, provider)
            sync_balances(connection, GOCARDLESS, connection_id=connection_id)


def sync_of_process(
    variables: Mapping[str, str],
    url: str,
    now: datetime,
    connection_id: str | None,
    both: Barrier | None = None,
    *,
    kills_itself: bool = False,
) -> None:
    """The same in a process of its own, which gets its variables here.

    With ``kills_itself`` it dies when transactions are in the lake, and their answers still in
    Postgres.
    """
    os.environ.update(variables)
    if kills_itself:
        mock.patch.object(SharedJournal, "forget", _die_or_forget).start()
    sync(url, now, connection_id=connection_id, both=both)


_forget = SharedJournal.forget


def _die_or_forget(journal: SharedJournal[Any], account_ids: Iterable[str]) -> None:
    if journal.scope == "transactions":
        os.kill(os.getpid(), signal.SIGKILL)
    _forget(journal, account_ids)


def create_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """Create what a sync of GoCardless needs."""
    create_gocardless_tables(connection)
    create_enable_banking_tables(connection)
    create_unified_tables(connection)
    create_balance_tables(connection)


@contextmanager
def _opened(connection_id: str | None) -> Iterator[duckdb.DuckDBPyConnection]:
    if connection_id is None or backend_of(LOCATION) is Backend.FILE:
        with bank_tables("run") as connection:
            yield connection
        return
    # as a run in Dagster has them
    holder = f"run of {connection_id}"
    with (
        hold_location(
            LOCATION,
            part=connection_id,
            holder=holder,
            wait_seconds=PATIENCE_SECONDS,
            on_wait=print,
        ),
        claimed(LOCATION, part=connection_id, holder=holder, shares_rows=True) as (claim, opened),
        guarded(opened, claim.written),
    ):
        yield opened


def ask_for_calls(
    variables: Mapping[str, str],
    url: str,
    account_id: str,
    now: datetime,
    calls: int,
    all_at_once: Barrier,
    made: "Queue[int]",
) -> None:
    """Ask the budget of an account for so many calls, and make those that are granted."""
    os.environ.update(variables)
    client = client_of(url, now)
    with duckdb.connect() as connection:
        create_gocardless_tables(connection)
        with shared_state(connection) as state:
            budget = state.budget(SCOPE)
            all_at_once.wait(PATIENCE_SECONDS)
            granted = [not budget.reserve([account_id], now=now) for _ in range(calls)]
    for _ in range(sum(granted)):
        client.balances(account_id)
    made.put(sum(granted))


def call_together(
    variables: Mapping[str, str],
    url: str,
    account_id: str,
    moments: Sequence[datetime],
    step: Barrier,
) -> None:
    """Call the bank at each moment, when the others do; each call begins and ends with a step."""
    os.environ.update(variables)
    now = moments[0]
    client = client_with_clock(url, lambda: now)
    for moment in moments:
        now = moment
        step.wait(PATIENCE_SECONDS)
        client.account(account_id)
        step.wait(PATIENCE_SECONDS)
