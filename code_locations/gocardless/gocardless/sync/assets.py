"""The assets that take what was fetched into the unified tables."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import dagster as dg
import duckdb
from pydantic import Field

from gocardless.accounts.settings import (
    accounts_path,
    load_settings,
)
from gocardless.bank_account_data import assets as gocardless
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.enable_banking import assets as enable_banking
from gocardless.enable_banking.provider import ENABLE_BANKING
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.extraction.fetch_scope import utc_now
from gocardless.sync.account_settings import apply_settings
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.board_table import accounts_for_the_board
from gocardless.sync.connection_ends import EndedConnection, ended_connections, renewal
from gocardless.sync.connection_filter import (
    ConnectionRequest,
    known_connection,
    provider_of_connection,
)
from gocardless.sync.freshness import AccountFreshness, account_freshness
from gocardless.sync.ledger.answers import SyncCounts, sync_transactions
from gocardless.sync.provider import Provider
from gocardless.sync.reference_data import (
    expiring_connections,
    sync_accounts,
    sync_connections,
    sync_institutions,
)
from gocardless.sync.tables import create_unified_tables
from shared_lib.metadata import relation_metadata
from shared_lib.warehouse import Warehouse

_PREFIX = ["sync", "gocardless"]
_EXPIRY = "connections_not_expiring"
_PROVIDERS = (GOCARDLESS, ENABLE_BANKING)
_ENDED = "connections_not_ended"
_FRESH = "accounts_fresh"
_SHOWN = 100
_FRESHNESS_COLUMNS = dg.TableSchema(
    [
        dg.TableColumn("account"),
        dg.TableColumn("days_since_answer", "int"),
        dg.TableColumn("days_since_entry", "int"),
    ]
)


class ConnectionsRequest(dg.Config):
    """When a connection counts as about to expire."""

    warn_days: int = Field(
        default=14, ge=0, description="Days before its end from which a connection is warned of."
    )


class FreshnessRequest(ConnectionRequest):
    """The connection, and when an account counts as stale."""

    stale_days: int = Field(
        default=3, ge=1, description="Days without an answer after which an account is warned of."
    )


@dg.asset(key=[*_PREFIX, "institutions"], deps=[gocardless.institutions, enable_banking.aspsps])
def institutions(warehouse: Warehouse) -> dg.MaterializeResult:
    """The banks, in the unified table."""
    with unified_tables(warehouse) as connection:
        for provider in _PROVIDERS:
            sync_institutions(connection, provider)
        return dg.MaterializeResult(
            metadata=relation_metadata(connection, "unified", "institutions")
        )


@dg.asset(
    key=[*_PREFIX, "connections"],
    deps=[gocardless.requisitions, enable_banking.sessions],
    check_specs=[
        dg.AssetCheckSpec(
            _EXPIRY,
            asset=[*_PREFIX, "connections"],
            description="No active connection ends within the configured days.",
        )
    ],
)
def connections(config: ConnectionsRequest, warehouse: Warehouse) -> dg.MaterializeResult:
    """The connections with their status, in the unified table."""
    with unified_tables(warehouse) as connection:
        for api in _PROVIDERS:
            sync_connections(connection, api)
        expiring = expiring_connections(
            connection, today=utc_now().date(), within_days=config.warn_days
        )
        described = "; ".join(
            f"{connection_id} ends on {last_day}: {renewal(provider, institution_id)}"
            for provider, connection_id, institution_id, last_day in expiring
        )
        return dg.MaterializeResult(
            metadata=relation_metadata(connection, "unified", "connections"),
            check_results=[
                dg.AssetCheckResult(
                    check_name=_EXPIRY,
                    passed=not expiring,
                    severity=dg.AssetCheckSeverity.WARN,
                    description=described or f"none ends within {config.warn_days} days",
                )
            ],
        )


@dg.asset(
    key=[*_PREFIX, "accounts"],
    deps=[connections, gocardless.bank_accounts, gocardless.account_details],
    check_specs=[
        dg.AssetCheckSpec(
            _ENDED,
            asset=[*_PREFIX, "accounts"],
            description="No connection of an account has ended without a new one or a dismissal.",
        )
    ],
)
def accounts(config: ConnectionRequest, warehouse: Warehouse) -> dg.MaterializeResult:
    """The accounts, in the unified table; those that are gone are inactive."""
    with unified_tables(warehouse) as connection:
        skipped = _skipped(connection, config)
        if not skipped:
            for provider in _meant(connection, config):
                sync_accounts(
                    connection, provider, now=utc_now(), connection_id=config.connection_id
                )
            apply_settings(connection, load_settings(accounts_path()))
        return dg.MaterializeResult(
            metadata={**relation_metadata(connection, "unified", "accounts"), **skipped},
            check_results=[ended_result(ended_connections(connection))],
        )


def ended_result(ended: list[EndedConnection]) -> dg.AssetCheckResult:
    """Passed when none has ended; else an error that names each and what to do."""
    return dg.AssetCheckResult(
        check_name=_ENDED,
        passed=not ended,
        description="; ".join(map(str, ended)) or "every account has a connection or needs none",
        metadata={"ended": len(ended)},
    )


@dg.asset(
    key=[*_PREFIX, "transactions"],
    deps=[accounts, gocardless.transactions, enable_banking.transactions],
    check_specs=[
        dg.AssetCheckSpec(
            _FRESH,
            asset=[*_PREFIX, "transactions"],
            description="Each account of an active connection was answered in the last days.",
        )
    ],
)
def transactions(
    context: dg.AssetExecutionContext, config: FreshnessRequest, warehouse: Warehouse
) -> dg.MaterializeResult:
    """The transactions, each that happened once, in the unified table."""
    with unified_tables(warehouse) as connection:
        skipped = _skipped(connection, config)
        counts = SyncCounts()
        for provider in () if skipped else _meant(connection, config):
            of_connection = (
                provider
                if config.connection_id is None
                else provider_of_connection(provider, config.connection_id)
            )
            counts += sync_transactions(connection, of_connection)
        context.log.info(
            f"{counts.fetches} answers: {counts.created} new transactions, "
            f"{counts.vanished} pending ones have vanished"
        )
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "unified", "transactions"),
                "answers": counts.fetches,
                "created": counts.created,
                "vanished": counts.vanished,
                **skipped,
            },
            check_results=[
                fresh_result(
                    [
                        account
                        for provider in _PROVIDERS
                        for account in account_freshness(
                            connection, provider, today=utc_now().date()
                        )
                    ],
                    stale_days=config.stale_days,
                )
            ],
        )


def fresh_result(accounts: list[AccountFreshness], *, stale_days: int) -> dg.AssetCheckResult:
    """Passed when every account was answered in the last days; has the age of each as metadata."""
    stale = [account for account in accounts if account.is_stale(stale_days)]
    shown = [
        dg.TableRecord(
            {
                "account": account.name,
                "days_since_answer": account.answer_days,
                "days_since_entry": account.entry_days,
            }
        )
        for account in accounts[:_SHOWN]
    ]
    return dg.AssetCheckResult(
        check_name=_FRESH,
        passed=not stale,
        severity=dg.AssetCheckSeverity.WARN,
        description="; ".join(map(str, stale))
        or f"{len(accounts)} accounts were answered within {stale_days} days",
        metadata={
            "stale": len(stale),
            "accounts": dg.MetadataValue.table(shown, schema=_FRESHNESS_COLUMNS),
        },
    )


@dg.asset(
    key=[*_PREFIX, "balances"],
    deps=[transactions, gocardless.account_balances, enable_banking.account_balances],
)
def balances(config: ConnectionRequest, warehouse: Warehouse) -> dg.MaterializeResult:
    """What the banks say of the accounts, and the opening balance of each account."""
    with unified_tables(warehouse) as connection:
        create_balance_tables(connection)
        skipped = _skipped(connection, config)
        if not skipped:
            for provider in _meant(connection, config):
                sync_balances(connection, provider, connection_id=config.connection_id)
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "unified", "balances"),
                **accounts_for_the_board(connection, now=utc_now().replace(tzinfo=None)),
                **skipped,
            }
        )


@contextmanager
def unified_tables(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    """The warehouse, to be written, with all that the sync reads and writes."""
    with warehouse.writing() as connection:
        create_gocardless_tables(connection)
        create_enable_banking_tables(connection)
        create_unified_tables(connection)
        yield connection


def _meant(connection: duckdb.DuckDBPyConnection, config: ConnectionRequest) -> Sequence[Provider]:
    """The providers, or the one whose connection is meant."""
    if config.connection_id is None:
        return _PROVIDERS
    row = connection.execute(
        "select provider from unified.connections where connection_id = ?", [config.connection_id]
    ).fetchone()
    return [provider for provider in _PROVIDERS if row is not None and provider.name == row[0]]


def _skipped(connection: duckdb.DuckDBPyConnection, config: ConnectionRequest) -> dict[str, str]:
    """As metadata, why nothing is synced; empty if something is."""
    if config.connection_id is None:
        return {}
    status = known_connection(connection, config.connection_id)
    if status == "active":
        return {}
    return {"skipped": f"connection {config.connection_id} is {status}, not active"}
