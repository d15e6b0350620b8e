"""A sandbox that runs, and a client for it."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest
from tests.conftest import SHARED_DATA

from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.bank_api.client import Patience
from gocardless.extraction.steps import Extraction
from gocardless.sync.tables import create_unified_tables
from sandboxes.bank.bank import Bank, SandboxState, account_uuid
from sandboxes.bank.ledger import TrueLedger, TrueTransaction
from sandboxes.bank.server import RunningSandbox, sandbox_server

CONTRACT = SHARED_DATA / "gocardless" / "openapi.json"
NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
QUICK = Patience(read_seconds=5, attempts=3, first_pause_seconds=0.01, longest_pause_seconds=0.02)


def ledger(number: int, *, days: int = 40) -> TrueLedger:
    """An account with one purchase a day, also on days to come."""
    return TrueLedger(
        account_uuid(number),
        "EUR",
        opening_balance=Decimal(100),
        transactions=[
            TrueTransaction(
                number=day,
                amount=Decimal(-day) / 100,
                text=f"EINKAUF {number} {day}",
                counterparty="Laden",
                booked_on=NOON.date() - timedelta(days=day),
            )
            for day in range(-20, days)
        ],
    )


@pytest.fixture
def sandbox() -> Iterator[RunningSandbox]:
    """Two banks with three accounts, at noon, whose server checks itself where it can."""
    state = SandboxState()
    state.clock.set(NOON)
    state.connect(Bank("ONE_ONEEDEFF", "Bank One"), [ledger(0), ledger(1)])
    state.connect(Bank("TWO_TWOEDEFF", "Bank Two"), [ledger(2)])
    with sandbox_server(state, contract=CONTRACT if CONTRACT.is_file() else None) as running:
        yield running
    assert state.deviations == []


@pytest.fixture
def make_client(sandbox: RunningSandbox) -> Callable[..., BankDataClient]:
    """Makes clients whose time is the sandbox's."""

    def make(secret_key: str = sandbox.state.secret_key) -> BankDataClient:
        return BankDataClient(
            url=sandbox.url,
            credentials=lambda: {
                "secret_id": sandbox.state.secret_id,
                "secret_key": secret_key,
            },
            patience=QUICK,
            now=sandbox.state.clock.now,
        )

    return make


@pytest.fixture
def client(make_client: Callable[..., BankDataClient]) -> BankDataClient:
    """A client with the right credentials."""
    return make_client()


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        create_gocardless_tables(opened)
        create_unified_tables(opened)
        yield opened


@pytest.fixture
def run(
    connection: duckdb.DuckDBPyConnection, client: BankDataClient, sandbox: RunningSandbox
) -> Callable[..., Extraction]:
    """A run at the sandbox's time, whose requisitions have been fetched."""

    def begin(**fields: Any) -> Extraction:
        now = sandbox.state.clock.now
        extract_requisitions(connection, client, at=now(), run_id="run")
        return Extraction(
            accounts=accounts_to_fetch,
            connection=connection,
            client=client,
            run_id="run",
            now=now,
            **fields,
        )

    return begin
