"""The assets that take what was fetched into the unified tables."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dagster as dg
import duckdb
from pydantic import Field

from gocardless.extraction import assets as extraction
from gocardless.extraction.accounts import utc_now
from gocardless.extraction.tables import create_raw_tables
from gocardless.sync.gocardless_provider import GOCARDLESS
from gocardless.sync.reconciliation import sync_transactions
from gocardless.sync.registers import (
    expiring_connections,
    sync_accounts,
    sync_connections,
    sync_institutions,
)
from gocardless.sync.tables import create_unified_tables
from shared_lib.metadata import table_metadata
from shared_lib.warehouse import Warehouse

_PREFIX = ["sync", "gocardless"]
_EXPIRY = "connections_not_expiring"


class ConnectionsRequest(dg.Config):
    """When a connection counts as about to expire."""

    warn_days: int = Field(
        default=14, ge=0, description="Days before its end from which a connection is warned of."
    )


@dg.asset(key=[*_PREFIX, "institutions"], deps=[extraction.institutions])
def institutions(warehouse: Warehouse) -> dg.MaterializeResult:
    """The banks, in the unified table."""
    with _unified(warehouse) as connection:
        sync_institutions(connection, GOCARDLESS)
        return dg.MaterializeResult(metadata=_described(connection, "institutions"))


@dg.asset(
    key=[*_PREFIX, "connections"],
    deps=[extraction.requisitions],
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
    with _unified(warehouse) as connection:
        sync_connections(connection, GOCARDLESS)
        expiring = expiring_connections(
            connection, today=utc_now().date(), within_days=config.warn_days
        )
        described = "; ".join(
            f"{connection_id} ends on {last_day}: its owner has to connect again"
            for _, connection_id, last_day in expiring
        )
        return dg.MaterializeResult(
            metadata=_described(connection, "connections"),
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
    deps=[connections, extraction.bank_accounts, extraction.account_details],
)
def accounts(warehouse: Warehouse) -> dg.MaterializeResult:
    """The accounts, in the unified table; those that are gone are inactive."""
    with _unified(warehouse) as connection:
        sync_accounts(connection, GOCARDLESS, now=utc_now())
        return dg.MaterializeResult(metadata=_described(connection, "accounts"))


@dg.asset(key=[*_PREFIX, "transactions"], deps=[accounts, extraction.transactions])
def transactions(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The transactions, each that happened once, in the unified table."""
    with _unified(warehouse) as connection:
        counts = sync_transactions(connection, GOCARDLESS)
        context.log.info(
            f"{counts.fetches} answers: {counts.created} new transactions, "
            f"{counts.vanished} pending ones have vanished"
        )
        return dg.MaterializeResult(
            metadata={
                **_described(connection, "transactions"),
                "answers": counts.fetches,
                "created": counts.created,
                "vanished": counts.vanished,
            }
        )


@contextmanager
def _unified(warehouse: Warehouse) -> Iterator[duckdb.DuckDBPyConnection]:
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        create_unified_tables(connection)
        yield connection


def _described(connection: duckdb.DuckDBPyConnection, table: str) -> dict[str, Any]:
    relation = ("unified", table)
    return table_metadata(connection, [relation])[relation]
