"""The assets that fetch from the API into raw tables."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Optional

import dagster as dg
from pydantic import Field

from gocardless.api.client import connect
from gocardless.extraction.fetch_scope import ScopeOutcome, utc_now
from gocardless.extraction.reference_data import extract_institutions, extract_requisitions
from gocardless.extraction.steps import (
    Extraction,
    extract_account_details,
    extract_balances,
    extract_bank_accounts,
    extract_transactions,
)
from gocardless.extraction.tables import create_raw_tables
from shared_lib.metadata import table_metadata
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

_PREFIX = ["source", "gocardless", "extract"]
_ANSWERED = "accounts_answered"
_READABLE = "entries_readable"


class AccountsRequest(dg.Config):
    """Which accounts are asked for, and how."""

    # not `str | None`, which Dagster has not always resolved in a configuration
    connection_id: Optional[str] = Field(  # noqa: UP045
        default=None, description="UUID of the one connection that is meant; none: all."
    )
    refresh: bool = Field(
        default=False, description="Spend a call though the answer of the day is there."
    )
    concurrency: int = Field(default=4, ge=1, le=32, description="Calls at a time.")


class DetailsRequest(AccountsRequest):
    """The same for details."""

    fresh_for_days: int = Field(
        default=30, ge=1, description="Days for which an account's details are not asked again."
    )


class TransactionsRequest(AccountsRequest):
    """The same for transactions."""

    overlap_days: int = Field(
        default=3, ge=1, le=30, description="Days before the last fetch that are fetched again."
    )


def _checks(asset: str, *names: str) -> Sequence[dg.AssetCheckSpec]:
    described = {
        _ANSWERED: "Every account answered, or had answered for the day.",
        _READABLE: "No entry of an answer was refused.",
    }
    return [
        dg.AssetCheckSpec(name, asset=[*_PREFIX, asset], description=described[name])
        for name in names
    ]


@dg.asset(key=[*_PREFIX, "institutions"])
def institutions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The banks that can be connected."""
    client = connect(secrets)
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        extract_institutions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(metadata=_described(connection, "gc_institutions"))


@dg.asset(key=[*_PREFIX, "requisitions"])
def requisitions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The connections of end users to banks, with what they agreed to."""
    client = connect(secrets)
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        extract_requisitions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(metadata=_described(connection, "gc_requisitions"))


@dg.asset(
    key=[*_PREFIX, "bank_accounts"],
    deps=[requisitions],
    check_specs=_checks("bank_accounts", _ANSWERED),
)
def bank_accounts(
    context: dg.AssetExecutionContext,
    config: AccountsRequest,
    warehouse: Warehouse,
    secrets: SecretsResource,
) -> dg.MaterializeResult:
    """The accounts of the linked connections."""
    with _extraction(context, config, warehouse, secrets) as run:
        return _result(run, "bank_accounts", "gc_bank_accounts", extract_bank_accounts)


@dg.asset(
    key=[*_PREFIX, "account_details"],
    deps=[bank_accounts],
    check_specs=_checks("account_details", _ANSWERED),
)
def account_details(
    context: dg.AssetExecutionContext,
    config: DetailsRequest,
    warehouse: Warehouse,
    secrets: SecretsResource,
) -> dg.MaterializeResult:
    """What the banks say of the accounts; asked for once in a while."""
    with _extraction(context, config, warehouse, secrets) as run:
        return _result(
            run,
            "account_details",
            "gc_account_details",
            lambda run: extract_account_details(run, fresh_for_days=config.fresh_for_days),
        )


@dg.asset(
    key=[*_PREFIX, "account_balances"],
    deps=[bank_accounts],
    check_specs=_checks("account_balances", _ANSWERED, _READABLE),
)
def account_balances(
    context: dg.AssetExecutionContext,
    config: AccountsRequest,
    warehouse: Warehouse,
    secrets: SecretsResource,
) -> dg.MaterializeResult:
    """The balances that the banks report."""
    with _extraction(context, config, warehouse, secrets) as run:
        return _result(run, "account_balances", "gc_balances", extract_balances)


@dg.asset(
    key=[*_PREFIX, "transactions"],
    deps=[bank_accounts],
    check_specs=_checks("transactions", _ANSWERED, _READABLE),
)
def transactions(
    context: dg.AssetExecutionContext,
    config: TransactionsRequest,
    warehouse: Warehouse,
    secrets: SecretsResource,
) -> dg.MaterializeResult:
    """The entries of the accounts as the banks sent them, each different one once."""
    with _extraction(context, config, warehouse, secrets) as run:
        return _result(
            run,
            "transactions",
            "gc_transactions",
            lambda run: extract_transactions(run, overlap_days=config.overlap_days),
        )


@contextmanager
def _extraction(
    context: dg.AssetExecutionContext,
    config: AccountsRequest,
    warehouse: Warehouse,
    secrets: SecretsResource,
) -> Iterator[Extraction]:
    client = connect(secrets)
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        yield Extraction(
            connection=connection,
            client=client,
            run_id=context.run.run_id,
            connection_id=config.connection_id,
            refresh=config.refresh,
            concurrency=config.concurrency,
        )


def _result(
    run: Extraction, asset: str, table: str, extract: Callable[[Extraction], ScopeOutcome]
) -> dg.MaterializeResult:
    outcome = extract(run)
    checks = [answered_result(outcome, asset)]
    if asset in {"account_balances", "transactions"}:
        checks.append(readable_result(outcome, asset))
    counts = {
        "accounts_fetched": len(outcome.fetched),
        "accounts_there_already": len(outcome.there_already),
        "accounts_limited": len(outcome.limited),
        "accounts_failed": len(outcome.failed),
        "entries_rejected": outcome.rejects,
    }
    skipped = {"skipped": outcome.skipped} if outcome.skipped else {}
    return dg.MaterializeResult(
        metadata={**_described(run.connection, table), **counts, **skipped}, check_results=checks
    )


def answered_result(outcome: ScopeOutcome, asset: str) -> dg.AssetCheckResult:
    """Passed when no account failed; a limit that is reached, or an old answer, is a warning."""
    problems = {**outcome.set_aside, **outcome.limited, **outcome.failed}
    described = "; ".join(f"{account}: {text}" for account, text in sorted(problems.items()))
    return dg.AssetCheckResult(
        asset_key=[*_PREFIX, asset],
        check_name=_ANSWERED,
        passed=not problems,
        severity=(dg.AssetCheckSeverity.ERROR if outcome.failed else dg.AssetCheckSeverity.WARN),
        description=described or outcome.skipped or "every account answered",
        metadata={
            "limited": len(outcome.limited),
            "failed": len(outcome.failed),
            "set_aside": len(outcome.set_aside),
        },
    )


def readable_result(outcome: ScopeOutcome, asset: str) -> dg.AssetCheckResult:
    """Passed when every entry could be read; else a warning that says where the others are."""
    return dg.AssetCheckResult(
        asset_key=[*_PREFIX, asset],
        check_name=_READABLE,
        passed=outcome.rejects == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{outcome.rejects} entries refused; raw.gc_rejects has each with its reason",
        metadata={"rejects": outcome.rejects},
    )


def _described(connection: Any, table: str) -> dict[str, Any]:
    relation = ("raw", table)
    return table_metadata(connection, [relation])[relation]
