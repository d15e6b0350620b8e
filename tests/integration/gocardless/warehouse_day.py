"""A day on which every table of the bank warehouse gets rows that it did not have."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb

from gocardless.bank_account_data import steps as gocardless_steps
from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
from gocardless.bank_account_data.provider import GOCARDLESS
from gocardless.bank_account_data.registers import extract_institutions, extract_requisitions
from gocardless.bank_account_data.tables import create_gocardless_tables
from gocardless.budgets.notifications import create_budget_tables, raise_notifications
from gocardless.budgets.settings import Budget
from gocardless.extraction import steps
from gocardless.extraction.steps import Extraction
from gocardless.statement_files.loading import import_file
from gocardless.statement_files.tables import create_file_tables
from gocardless.sync.balances import create_balance_tables, sync_balances
from gocardless.sync.ledger.answers import sync_transactions
from gocardless.sync.reference_data import sync_accounts, sync_connections, sync_institutions
from gocardless.sync.tables import create_unified_tables
from gocardless.tagging.application import apply_rules, tag_by_hand
from gocardless.tagging.rules import SourcedRule
from gocardless.tagging.tables import create_tag_tables
from sandboxes.bank.bank import SandboxClock

SHOPPING = SourcedRule(name="shops", tag="shopping", source="file", counterparty="Laden")


def create_all_tables(connection: duckdb.DuckDBPyConnection) -> None:
    """As the steps of the platform do it, each its own."""
    create_gocardless_tables(connection)
    create_unified_tables(connection)
    create_balance_tables(connection)
    create_file_tables(connection)
    create_tag_tables(connection)
    create_budget_tables(connection)


def run_everything(
    connection: duckdb.DuckDBPyConnection,
    client: BankDataClient,
    clock: SandboxClock,
    directory: Path,
) -> None:
    """All steps on the sandbox's day, and a statement; then it is the next day."""
    now = clock.now()
    create_all_tables(connection)
    extract_institutions(connection, client, at=now, run_id="run")
    extract_requisitions(connection, client, at=now, run_id="run")
    extraction = Extraction(
        accounts=accounts_to_fetch,
        connection=connection,
        client=client,
        run_id="run",
        now=clock.now,
    )
    gocardless_steps.extract_bank_accounts(extraction)
    gocardless_steps.extract_account_details(extraction, fresh_for_days=1)
    steps.extract_balances(extraction)
    steps.extract_transactions(extraction, overlap_days=3)
    sync_institutions(connection, GOCARDLESS)
    sync_connections(connection, GOCARDLESS)
    sync_accounts(connection, GOCARDLESS, now=now)
    sync_transactions(connection, GOCARDLESS)
    sync_balances(connection, GOCARDLESS)
    statement = directory / f"{now.date()}.csv"
    # of one day after the other, as the balances say
    balance = Decimal(100) - Decimal("1.50") * now.date().toordinal()
    statement.write_text(
        "booking_date,amount,currency,balance\n"
        f"{now.date()},-1.50,EUR,{balance}\nno day,-1,EUR,8\n",
        "utf-8",
    )
    import_file(connection, statement, account="giro", at=now)
    apply_rules(connection, [SHOPPING], at=now, run_id="run")
    [(by_hand,)] = connection.execute(
        "select transaction_key from unified.transactions where account_id = 'giro' "
        "order by booking_date desc limit 1"
    ).fetchall()
    tag_by_hand(connection, by_hand, "fees", by="anna", at=now)
    _spend(connection, now.date().replace(day=1).isoformat())
    budget = Budget(tag=f"shopping {now.date()}", currency="EUR", monthly=Decimal(10))
    assert raise_notifications(connection, [budget], at=now, run_id="run")
    clock.advance(timedelta(days=1))


def _spend(connection: duckdb.DuckDBPyConnection, month: str) -> None:
    """In the place of the mart, whose budgets are all spent."""
    connection.execute("create schema if not exists marts")
    connection.execute(
        "create or replace view marts.spend_by_tag_monthly as select distinct "
        f"'shopping ' || day as tag, 'EUR' as currency, date '{month}' as month, "
        "12::decimal(38, 4) as spent from generate_series(date '2026-05-01', date '2026-05-31', "
        "interval 1 day) as days(moment), lateral (select moment::date::varchar as day)"
    )
