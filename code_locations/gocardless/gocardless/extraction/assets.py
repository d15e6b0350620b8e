"""What the assets of all APIs share: their configuration, and how one asks about each account."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import dagster as dg
import duckdb
from pydantic import Field

from gocardless.bank_api.client import BankApiClient
from gocardless.extraction.checks import (
    ANSWERED,
    DESCRIPTIONS,
    READABLE,
    answered_result,
    readable_result,
)
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.steps import AccountsOf, Extraction
from gocardless.extraction.transactions import DAYS
from shared_lib.metadata import relation_metadata
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse


@dataclass(frozen=True)
class Api:
    """What is different from one API to the other.

    Attributes:
        prefix: of the keys of its assets.
        connect: makes its client.
        create_tables: creates the raw tables that are not there.
        accounts: returns the accounts of its connections.
    """

    prefix: Sequence[str]
    connect: Callable[[SecretsResource], BankApiClient]
    create_tables: Callable[[duckdb.DuckDBPyConnection], None]
    accounts: AccountsOf


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
        description="Days that each call requests, limited to those that the agreement allows.",
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
    api: Api,
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
    checks = {ANSWERED: answered_result, **({READABLE: readable_result} if has_entries else {})}

    @dg.asset(
        key=[*api.prefix, name],
        deps=deps,
        description=description,
        check_specs=[
            dg.AssetCheckSpec(check, asset=[*api.prefix, name], description=DESCRIPTIONS[check])
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
        with warehouse.writing_by_transaction() as connection:
            api.create_tables(connection)
            run = Extraction(
                connection=connection,
                client=client,
                run_id=context.run.run_id,
                accounts=api.accounts,
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
            "calls": client.calls,
            **_pace_of(client),
        }
        skipped = {"skipped": outcome.skipped} if outcome.skipped else {}
        return dg.MaterializeResult(
            metadata={**metadata, **counts, **skipped},
            check_results=[result(outcome, name, api.prefix) for result in checks.values()],
        )

    return fetch


def _pace_of(client: BankApiClient) -> dict[str, float]:
    """As metadata, what the general limit has cost; what no answer reported is left out."""
    figures = client.pace.figures
    reported = {"general_limit": figures.limit, "general_limit_fewest_left": figures.fewest_left}
    return {
        "general_limit_waits": figures.waits,
        "general_limit_seconds_waited": figures.seconds_waited,
        **{name: figure for name, figure in reported.items() if figure is not None},
    }
