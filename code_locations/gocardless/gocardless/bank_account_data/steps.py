"""The scopes that GoCardless alone has, from the API into their raw tables."""

from collections.abc import Sequence
from typing import cast

from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.models import Account
from gocardless.bank_account_data.registers import account_row
from gocardless.bank_account_data.tables import BANK_ACCOUNTS
from gocardless.bank_api.documents import DetailsAnswer
from gocardless.extraction.accounts import AccountToFetch
from gocardless.extraction.documents import details_row
from gocardless.extraction.fetch_scope import ScopeOutcome
from gocardless.extraction.journal import Received
from gocardless.extraction.reading.entries import ReadEntries
from gocardless.extraction.steps import Extraction, as_json, fetch_accounts, into_table, of_accounts
from gocardless.extraction.tables import ACCOUNT_DETAILS


def extract_bank_accounts(run: Extraction) -> ScopeOutcome:
    """What the vendor knows of the accounts."""
    client = cast("BankDataClient", run.client)

    def extract(accounts: Sequence[AccountToFetch]) -> ScopeOutcome:
        requisitions = {account.account_id: account.requisition_id for account in accounts}

        def rows(received: Received[Account]) -> ReadEntries:
            requisition_id = requisitions[received.account_id]
            return ReadEntries([account_row(received.answer.body, requisition_id=requisition_id)])

        read = into_table(run, BANK_ACCOUNTS, rows)
        return fetch_accounts(run, "metadata", accounts, client.account, read, as_json(Account))

    return of_accounts(run, extract)


def extract_account_details(run: Extraction, *, fresh_for_days: int) -> ScopeOutcome:
    """What the banks say of the accounts, which changes rarely."""

    def rows(received: Received[DetailsAnswer]) -> ReadEntries:
        return ReadEntries([details_row(received.account_id, received.answer.body.account)])

    def extract(accounts: Sequence[AccountToFetch]) -> ScopeOutcome:
        read = into_table(run, ACCOUNT_DETAILS, rows)
        ask = run.client.details
        wording = as_json(DetailsAnswer)
        return fetch_accounts(
            run, "details", accounts, ask, read, wording, fresh_for_days=fresh_for_days
        )

    return of_accounts(run, extract)
