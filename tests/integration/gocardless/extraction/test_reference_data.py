"""Requisitions, agreements, institutions and accounts: they follow the API, and stay."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import duckdb
import pytest

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.registers import extract_institutions, extract_requisitions
from gocardless.extraction import steps
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.steps import Extraction
from gocardless.sync.reference_data import expiring_connections, sync_accounts, sync_connections
from sandboxes.bank.bank import account_uuid
from sandboxes.bank.server import RunningSandbox

FIRST, SECOND, THIRD = (account_uuid(number) for number in range(3))


def fetch(run: Extraction) -> ScopeOutcome:
    return steps.extract_transactions(run, overlap_days=3)


def test_registers_follow_the_api_and_nothing_is_deleted(
    run: Callable[..., Extraction],
    connection: duckdb.DuckDBPyConnection,
    client: BankDataClient,
    sandbox: RunningSandbox,
) -> None:
    now = sandbox.state.clock.now
    extract_institutions(connection, client, at=now(), run_id="run")

    def sync() -> tuple[list, list]:
        gocardless_steps.extract_bank_accounts(run())
        sync_connections(connection, GOCARDLESS)
        sync_accounts(connection, GOCARDLESS, now=now())
        return (
            connection.execute(
                "select status, provider_status from unified.connections order by institution_id"
            ).fetchall(),
            connection.execute(
                "select account_id, status from unified.accounts order by account_id"
            ).fetchall(),
        )

    connections, accounts = sync()
    assert connections == [("active", "LN"), ("active", "LN")]
    assert accounts == sorted((account, "active") for account in (FIRST, SECOND, THIRD))
    today = now().date()
    assert expiring_connections(connection, today=today, within_days=89) == []
    assert len(expiring_connections(connection, today=today, within_days=90)) == 2

    one, two = sandbox.state.connections
    for status, unified in (
        ("CR", "pending"), ("GC", "pending"), ("UA", "pending"), ("SA", "pending"),
        ("GA", "pending"), ("EX", "expired"), ("RJ", "rejected"), ("SU", "error"),
        ("ER", "error"), ("ID", "error"),
    ):  # fmt: skip
        two.status = status
        sandbox.state.clock.advance(timedelta(minutes=1))
        connections, accounts = sync()
        assert connections == [("active", "LN"), (unified, status)]
    one.accounts.pop(0)
    sandbox.state.connections.remove(two)
    sandbox.state.clock.advance(timedelta(minutes=1))
    connections, accounts = sync()
    assert connections == [("active", "LN"), ("error", "deleted")]
    assert accounts == sorted([(FIRST, "inactive"), (SECOND, "active"), (THIRD, "inactive")])


def test_accounts_are_inactive_and_not_asked_when_the_last_requisition_was_deleted(
    run: Callable[..., Extraction], sandbox: RunningSandbox, connection: duckdb.DuckDBPyConnection
) -> None:
    now = sandbox.state.clock.now
    fetch(run())
    sync_accounts(connection, GOCARDLESS, now=now())
    deleted = sandbox.state.connections[0].requisition_id
    sandbox.state.connections.clear()
    sandbox.state.clock.advance(timedelta(days=1))
    before = len(sandbox.state.calls)
    assert fetch(run()) == ScopeOutcome()
    assert [path for _, path in sandbox.state.calls[before:] if "/accounts/" in path] == []
    sync_accounts(connection, GOCARDLESS, now=now())
    sync_connections(connection, GOCARDLESS)
    statuses = connection.execute("select distinct status from unified.accounts").fetchall()
    assert statuses == [("inactive",)]
    statuses = connection.execute("select distinct status from unified.connections").fetchall()
    assert statuses == [("error",)]
    assert "it has been deleted" in str(fetch(run(connection_id=deleted)).skipped)


def test_an_odd_document_of_a_register_is_reported_by_its_id_and_the_others_go_on(
    connection: duckdb.DuckDBPyConnection,
    client: BankDataClient,
    sandbox: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, two = sandbox.state.connections
    now = sandbox.state.clock.now
    assert extract_requisitions(connection, client, at=now(), run_id="run").odd == {}
    sent = client._pages

    def odd(path: str) -> Iterator[Any]:
        for document in sent(path):
            if document["id"] == one.requisition_id:
                yield {**document, "accounts": None}
            elif document["id"] == two.agreement.agreement_id:
                yield {**document, "max_historical_days": None}
            else:
                yield document

    monkeypatch.setattr(client, "_pages", odd)
    sandbox.state.clock.advance(timedelta(days=1))
    read = extract_requisitions(connection, client, at=now(), run_id="next")
    assert read.count == 1
    assert set(read.odd) == {
        f"requisition {one.requisition_id}",
        f"agreement {two.agreement.agreement_id}",
    }
    sync_connections(connection, GOCARDLESS)
    # it has not been deleted
    assert connection.execute("select distinct status from unified.connections").fetchall() == [
        ("active",)
    ]
