"""The assets that fetch from the API into raw tables."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import dagster as dg
import duckdb
from pydantic import Field

from gocardless.bank_account_data.client import BankDataClient, connect
from gocardless.extraction.fetch_scope import ScopeOutcome, utc_now
from gocardless.extraction.reference_data import (
    RegisterRead,
    extract_institutions,
    extract_requisitions,
)
from gocardless.extraction.steps import (
    Extraction,
    extract_account_details,
    extract_balances,
    extract_bank_accounts,
    extract_transactions,
)
from gocardless.extraction.tables import create_raw_tables
from gocardless.extraction.transactions import DAYS
from shared_lib.metadata import relation_metadata
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

_PREFIX = ("source", "gocardless", "extract")
_ANSWERED = "accounts_answered"
_READABLE = "entries_readable"
_DOCUMENTS = "documents_readable"
_CHECKS = {
    _DOCUMENTS: "Every document of the list could be read.",
    _ANSWERED: "Every account answered, or had answered for the day.",
    _READABLE: "No entry of an answer was refused.",
}


@dataclass(frozen=True)
class Api:
    """What is different from one API to the other.

    Attributes:
        prefix: of the keys of its assets.
        connect: makes its client.
        create_tables: creates the raw tables that are not there.
    """

    prefix: Sequence[str]
    connect: Callable[[SecretsResource], BankDataClient]
    create_tables: Callable[[duckdb.DuckDBPyConnection], None]


_API = Api(_PREFIX, connect, create_raw_tables)


def documents_check(prefix: Sequence[str], asset: str) -> dg.AssetCheckSpec:
    """The check that every document of a register could be read."""
    return dg.AssetCheckSpec(_DOCUMENTS, asset=[*prefix, asset], description=_CHECKS[_DOCUMENTS])


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
        default=3,
        ge=1,
        le=30,
        description="The least days before the last fetch that are fetched again.",
    )
    days: int = Field(
        default=DAYS,
        ge=1,
        description="Days that are asked for each time; as many as the agreement allows at most.",
    )


@dg.asset(
    key=[*_PREFIX, "institutions"],
    check_specs=[documents_check(_PREFIX, "institutions")],
)
def institutions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The banks that can be connected."""
    client = connect(secrets)
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        read = extract_institutions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(
            metadata=relation_metadata(connection, "raw", "gc_institutions"),
            check_results=[documents_result(read, "institutions")],
        )


@dg.asset(
    key=[*_PREFIX, "requisitions"],
    check_specs=[documents_check(_PREFIX, "requisitions")],
)
def requisitions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The connections of end users to banks, with what they agreed to."""
    client = connect(secrets)
    with warehouse.writing() as connection:
        create_raw_tables(connection)
        read = extract_requisitions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(
            metadata=relation_metadata(connection, "raw", "gc_requisitions"),
            check_results=[documents_result(read, "requisitions")],
        )


def account_asset(
    name: str,
    table: str,
    extract: Callable[[Extraction, Any], ScopeOutcome],
    *,
    deps: Sequence[dg.AssetsDefinition],
    description: str,
    request: type[AccountsRequest] = AccountsRequest,
    has_entries: bool = False,
    api: Api = _API,
) -> dg.AssetsDefinition:
    """An asset that asks the banks about each account.

    Args:
        name: the last part of its key.
        table: of the schema ``raw``, into which ``extract`` writes.
        extract: fetches and writes; its second argument is the configuration of the run.
        deps: what has to be there before.
        description: for people who look at the asset.
        request: what a run may be configured with.
        has_entries: whether an answer has entries, each of which can be refused.
        api: where it asks.
    """
    checks = {_ANSWERED: answered_result, **({_READABLE: readable_result} if has_entries else {})}

    @dg.asset(
        key=[*api.prefix, name],
        deps=deps,
        description=description,
        check_specs=[
            dg.AssetCheckSpec(check, asset=[*api.prefix, name], description=_CHECKS[check])
            for check in checks
        ],
    )
    def fetch(
        context: dg.AssetExecutionContext,
        config: request,  # pyright: ignore[reportInvalidTypeForm] - Dagster reads it at run time
        warehouse: Warehouse,
        secrets: SecretsResource,
    ) -> dg.MaterializeResult:
        client = api.connect(secrets)
        with warehouse.writing() as connection:
            api.create_tables(connection)
            run = Extraction(
                connection=connection,
                client=client,
                run_id=context.run.run_id,
                connection_id=config.connection_id,
                refresh=config.refresh,
                concurrency=config.concurrency,
            )
            outcome = extract(run, config)
            metadata = relation_metadata(connection, "raw", table)
        counts = {
            "accounts_fetched": len(outcome.fetched),
            "accounts_there_already": len(outcome.there_already),
            "accounts_limited": len(outcome.limited),
            "accounts_failed": len(outcome.failed),
            "entries_rejected": outcome.rejects,
            **_pace_of(client),
        }
        skipped = {"skipped": outcome.skipped} if outcome.skipped else {}
        return dg.MaterializeResult(
            metadata={**metadata, **counts, **skipped},
            check_results=[result(outcome, name, api.prefix) for result in checks.values()],
        )

    return fetch


def _pace_of(client: BankDataClient) -> dict[str, float]:
    """As metadata, what the general limit has cost; what no answer reported is left out."""
    figures = client.pace.figures
    reported = {"general_limit": figures.limit, "general_limit_fewest_left": figures.fewest_left}
    return {
        "general_limit_waits": figures.waits,
        "general_limit_seconds_waited": figures.seconds_waited,
        **{name: figure for name, figure in reported.items() if figure is not None},
    }


def answered_result(
    outcome: ScopeOutcome, asset: str, prefix: Sequence[str] = _PREFIX
) -> dg.AssetCheckResult:
    """Passed when no account failed; a limit that is reached, or an old answer, is a warning."""
    problems = {**outcome.set_aside, **outcome.limited, **outcome.failed}
    described = "; ".join(f"{account}: {text}" for account, text in sorted(problems.items()))
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
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


def documents_result(
    read: RegisterRead, asset: str, prefix: Sequence[str] = _PREFIX
) -> dg.AssetCheckResult:
    """Passed when every document could be read; else a warning that names the others."""
    described = "; ".join(f"{name}: {reason}" for name, reason in sorted(read.odd.items()))
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
        check_name=_DOCUMENTS,
        passed=not read.odd,
        severity=dg.AssetCheckSeverity.WARN,
        description=described or f"{read.count} documents were read",
    )


def readable_result(
    outcome: ScopeOutcome, asset: str, prefix: Sequence[str] = _PREFIX
) -> dg.AssetCheckResult:
    """Passed when every entry could be read; else a warning that says where the others are."""
    return dg.AssetCheckResult(
        asset_key=[*prefix, asset],
        check_name=_READABLE,
        passed=outcome.rejects == 0,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"{outcome.rejects} entries refused; raw.gc_rejects has each with its reason",
        metadata={"rejects": outcome.rejects},
    )


bank_accounts = account_asset(
    "bank_accounts",
    "gc_bank_accounts",
    lambda run, _: extract_bank_accounts(run),
    deps=[requisitions],
    description="The accounts of the linked connections.",
)

account_details = account_asset(
    "account_details",
    "gc_account_details",
    lambda run, config: extract_account_details(run, fresh_for_days=config.fresh_for_days),
    deps=[bank_accounts],
    description="What the banks say of the accounts; asked for once in a while.",
    request=DetailsRequest,
)

account_balances = account_asset(
    "account_balances",
    "gc_balances",
    lambda run, _: extract_balances(run),
    deps=[bank_accounts],
    description="The balances that the banks report.",
    has_entries=True,
)

transactions = account_asset(
    "transactions",
    "gc_transactions",
    lambda run, config: extract_transactions(
        run, overlap_days=config.overlap_days, days=config.days
    ),
    deps=[bank_accounts],
    description="The entries of the accounts as the banks sent them, each different one once.",
    request=TransactionsRequest,
    has_entries=True,
)
