"""The assets that fetch from GoCardless' API into raw tables."""

import dagster as dg

from gocardless.bank_account_data.client import connect
from gocardless.bank_account_data.connected_accounts import observe_connected_accounts
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.registers import extract_institutions, extract_requisitions
from gocardless.bank_account_data.steps import extract_account_details, extract_bank_accounts
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.extraction.assets import Api, DetailsRequest, TransactionsRequest, account_asset
from gocardless.extraction.checks import documents_check, documents_result
from gocardless.extraction.fetch_scope import utc_now
from gocardless.extraction.steps import extract_balances, extract_transactions
from shared_lib.metadata import relation_metadata
from shared_lib.secrets import SecretsResource
from shared_lib.warehouse import Warehouse

PREFIX = ("source", "gocardless", "extract")
_API = Api(PREFIX, connect, create_gocardless_tables, accounts_to_fetch)


@dg.asset(
    key=[*PREFIX, "institutions"],
    check_specs=[documents_check(PREFIX, "institutions")],
)
def institutions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The banks that can be connected."""
    client = connect(secrets)
    with warehouse.writing_by_transaction() as connection:
        create_gocardless_tables(connection)
        read = extract_institutions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "raw", "gc_institutions"),
                "calls": client.calls,
            },
            check_results=[documents_result(read, "institutions", PREFIX)],
        )


@dg.asset(
    key=[*PREFIX, "requisitions"],
    check_specs=[documents_check(PREFIX, "requisitions")],
)
def requisitions(
    context: dg.AssetExecutionContext, warehouse: Warehouse, secrets: SecretsResource
) -> dg.MaterializeResult:
    """The connections of end users to banks, with what they agreed to."""
    client = connect(secrets)
    with warehouse.writing_by_transaction() as connection:
        create_gocardless_tables(connection)
        read = extract_requisitions(connection, client, at=utc_now(), run_id=context.run.run_id)
        return dg.MaterializeResult(
            metadata={
                **relation_metadata(connection, "raw", "gc_requisitions"),
                "calls": client.calls,
            },
            check_results=[documents_result(read, "requisitions", PREFIX)],
        )


bank_accounts = account_asset(
    "bank_accounts",
    "gc_bank_accounts",
    lambda run, _: extract_bank_accounts(run),
    api=_API,
    deps=[requisitions, observe_connected_accounts],
    description="The accounts of the linked connections.",
)

account_details = account_asset(
    "account_details",
    "gc_account_details",
    lambda run, config: extract_account_details(run, fresh_for_days=config.fresh_for_days),
    api=_API,
    deps=[bank_accounts],
    description="What the banks say of the accounts; asked for once in a while.",
    request=DetailsRequest,
)

account_balances = account_asset(
    "account_balances",
    "gc_balances",
    lambda run, _: extract_balances(run),
    api=_API,
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
    api=_API,
    deps=[bank_accounts],
    description="The entries of the accounts as the banks sent them, each different one once.",
    request=TransactionsRequest,
    has_entries=True,
)
