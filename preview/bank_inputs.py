"""What the bank's marts are built from where there is no warehouse: the sandbox's three banks."""

from pathlib import Path

import duckdb


def generate(file: Path) -> str:
    """Write a warehouse with what the sandbox's banks answer, synced into the unified tables.

    Returns:
        Where its rows come from, in words.
    """
    from gocardless.bank_account_data import steps as gocardless_steps
    from gocardless.bank_account_data.client import BankDataClient
    from gocardless.bank_account_data.linked_accounts import accounts_to_fetch
    from gocardless.bank_account_data.provider import GOCARDLESS
    from gocardless.bank_account_data.registers import extract_requisitions
    from gocardless.bank_account_data.tables import create_gocardless_tables
    from gocardless.extraction import steps
    from gocardless.extraction.steps import Extraction
    from gocardless.sync.balances import create_balance_tables, sync_balances
    from gocardless.sync.ledger.answers import sync_transactions
    from gocardless.sync.reference_data import sync_accounts, sync_connections
    from gocardless.sync.tables import create_unified_tables
    from gocardless.tagging.application import apply_rules
    from gocardless.tagging.rules import load_rules, rules_path
    from gocardless.tagging.tables import create_tag_tables
    from sandboxes.bank.bank import demonstration
    from sandboxes.bank.server import sandbox_server

    state = demonstration()
    now = state.clock.now()
    with sandbox_server(state) as running, duckdb.connect(str(file)) as connection:
        client = BankDataClient(
            url=running.url,
            credentials=lambda: {"secret_id": state.secret_id, "secret_key": state.secret_key},
            now=state.clock.now,
        )
        create_gocardless_tables(connection)
        create_unified_tables(connection)
        create_balance_tables(connection)
        create_tag_tables(connection)
        extract_requisitions(connection, client, at=now, run_id="preview")
        extraction = Extraction(
            accounts=accounts_to_fetch,
            connection=connection,
            client=client,
            run_id="preview",
            now=state.clock.now,
        )
        gocardless_steps.extract_bank_accounts(extraction)
        gocardless_steps.extract_account_details(extraction, fresh_for_days=1)
        steps.extract_balances(extraction)
        steps.extract_transactions(extraction, overlap_days=3)
        sync_connections(connection, GOCARDLESS)
        sync_accounts(connection, GOCARDLESS, now=now)
        sync_transactions(connection, GOCARDLESS)
        sync_balances(connection, GOCARDLESS)
        apply_rules(connection, load_rules(rules_path()), at=now, run_id="preview")
    return "three banks of the sandbox, because there is no warehouse yet"
