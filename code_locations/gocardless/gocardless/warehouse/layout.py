"""The tables of the bank's warehouse, for a migration of the whole."""

import duckdb

from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.budgets.notifications import create_budget_tables
from gocardless.enable_banking.tables import create_enable_banking_tables
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.balances import create_balance_tables
from gocardless.sync.tables import create_unified_tables
from gocardless.tagging.tables import create_tag_tables
from shared_lib.warehouse.lake.migration import Layout


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    create_gocardless_tables(connection)
    create_enable_banking_tables(connection)
    create_file_tables(connection)
    create_unified_tables(connection)
    create_balance_tables(connection)
    create_tag_tables(connection)
    create_budget_tables(connection)


LAYOUT = Layout(create=_create, is_moved=lambda *_: True)
