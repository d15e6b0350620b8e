"""The assets that fetch from Enable Banking into raw tables."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import dagster as dg
import duckdb

from gocardless.accounts.settings import accounts_path, load_settings
from gocardless.enable_banking.client import EnableBankingClient, connect_enable_banking
from gocardless.enable_banking.connected_accounts import observe_enable_banking_accounts
from gocardless.enable_banking.sessions import (
    accounts_of_sessions,
    extract_aspsps,
    extract_sessions,
    psu_headers_of,
)
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.assets import Api, TransactionsRequest, account_asset
from gocardless.extraction.budget import Scope
from gocardless.extraction.checks import documents_check, documents_result
from gocardless.extraction.fetch_scope import ScopeOutcome, utc_now
from gocardless.extraction.operational.state import operational_state
from gocardless.extraction.steps import Extraction, extract_balances, extract_transactions
from shared_lib.metadata import relation_metadata
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

PREFIX = ("source", "enable_banking", "extract")
CALLS_A_DAY = 4
"""What banks answer an application whose user is not present; the API does not count them."""

_API = Api(PREFIX, connect_enable_banking, create_enable_banking_tables, accounts_of_sessions)


@dg.asset(key=[*PREFIX, "sessions"], check_specs=[documents_check(PREFIX, "sessions")])
def sessions(warehouse: Warehouse, secrets: SecretsResource) -> dg.MaterializeResult:
    """The sessions, each the consent of an owner at one bank, with their states."""
    client = connect_enable_banking(secrets)
    with warehouse.writing_by_transaction() as connection:
        create_enable_banking_tables(connection)
        read = extract_sessions(connection, client, at=utc_now())
        return dg.MaterializeResult(
            metadata={**relation_metadata(connection, "raw", "eb_sessions"), "calls": client.calls},
            check_results=[documents_result(read, "sessions", PREFIX)],
        )


@dg.asset(key=[*PREFIX, "aspsps"], check_specs=[documents_check(PREFIX, "aspsps")])
def aspsps(warehouse: Warehouse, secrets: SecretsResource) -> dg.MaterializeResult:
    """The banks of the countries in which a bank is connected."""
    client = connect_enable_banking(secrets)
    with warehouse.writing_by_transaction() as connection:
        create_enable_banking_tables(connection)
        read = extract_aspsps(connection, client)
        return dg.MaterializeResult(
            metadata={**relation_metadata(connection, "raw", "eb_aspsps"), "calls": client.calls},
            check_results=[documents_result(read, "aspsps", PREFIX)],
        )


def _of_banks(run: Extraction, scope: Scope) -> Extraction:
    """Return the run with each bank's number of calls a day, and with the headers of users."""
    client = cast("EnableBankingClient", run.client)
    headers = psu_headers_of(run.connection, load_settings(accounts_path()).connections)

    def accounts(
        connection: duckdb.DuckDBPyConnection, connection_id: str | None
    ) -> Sequence[AccountToFetch]:
        found = run.accounts(connection, connection_id)
        ids = [account.account_id for account in found]
        with operational_state(connection) as state:
            state.budget(scope).allow(ids, calls=CALLS_A_DAY, now=run.now())
        return found

    return replace(run, accounts=accounts, client=client.with_psu_headers(headers))


def _balances(run: Extraction, _: Any) -> ScopeOutcome:
    return extract_balances(_of_banks(run, "balances"))


def _transactions(run: Extraction, config: Any) -> ScopeOutcome:
    return extract_transactions(
        _of_banks(run, "transactions"), overlap_days=config.overlap_days, days=config.days
    )


account_balances = account_asset(
    "account_balances",
    "gc_balances",
    _balances,
    deps=[sessions, observe_enable_banking_accounts],
    description="The balances that the banks report.",
    has_entries=True,
    api=_API,
)

transactions = account_asset(
    "transactions",
    "gc_transactions",
    _transactions,
    deps=[sessions, observe_enable_banking_accounts],
    description="The entries of the accounts, each different one once.",
    request=TransactionsRequest,
    has_entries=True,
    api=_API,
)
