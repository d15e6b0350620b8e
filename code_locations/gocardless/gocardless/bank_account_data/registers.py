"""Institutions, requisitions and agreements: lists that are fetched whole."""

from collections.abc import Mapping
from datetime import UTC, datetime

import duckdb

from gocardless.bank_account_data.client import BankDataClient
from gocardless.bank_account_data.models import Account
from gocardless.bank_account_data.tables import AGREEMENTS, INSTITUTIONS, REQUISITIONS
from gocardless.extraction.documents import RegisterRead, payload_of
from gocardless.extraction.writing import upsert
from shared_lib.warehouse import transaction
from shared_lib.warehouse.rows import replace_rows


def extract_institutions(
    connection: duckdb.DuckDBPyConnection, client: BankDataClient, *, at: datetime, run_id: str
) -> RegisterRead:
    """Write the institutions that there are."""
    listing = client.listed_institutions()
    rows = [
        {
            "institution_id": institution.id,
            "name": institution.name,
            "bic": institution.bic,
            "transaction_total_days": institution.transaction_total_days,
            "payload": payload_of(institution),
        }
        for institution in listing.documents
    ]
    with transaction(connection):
        upsert(connection, INSTITUTIONS, rows, seen_at=at, run_id=run_id)
    return RegisterRead(len(rows), _odd(institution=listing.odd))


def extract_requisitions(
    connection: duckdb.DuckDBPyConnection, client: BankDataClient, *, at: datetime, run_id: str
) -> RegisterRead:
    """Write the requisitions and agreements that there are; the count is that of requisitions.

    A requisition that cannot be read has not been deleted: it stays as it was known.
    """
    agreed, required = client.listed_agreements(), client.listed_requisitions()
    agreements = [
        {
            "agreement_id": agreement.id,
            "institution_id": agreement.institution_id,
            "max_historical_days": agreement.max_historical_days,
            "access_valid_for_days": agreement.access_valid_for_days,
            "accepted_at": _utc(agreement.accepted),
            "payload": payload_of(agreement),
        }
        for agreement in agreed.documents
    ]
    requisitions = [
        {
            "requisition_id": requisition.id,
            "status": requisition.status,
            "institution_id": requisition.institution_id,
            "agreement_id": requisition.agreement,
            "reference": requisition.reference,
            "account_ids": requisition.accounts,
            "payload": payload_of(requisition),
        }
        for requisition in required.documents
    ]
    with transaction(connection):
        upsert(connection, AGREEMENTS, agreements, seen_at=at, run_id=run_id)
        upsert(connection, REQUISITIONS, requisitions, seen_at=at, run_id=run_id)
        connection.execute(
            "update raw.gc_requisitions set last_seen_at = ?, last_run_id = ? "
            "where list_contains(?, requisition_id)",
            [_utc(at), run_id, list(required.odd)],
        )
        replace_rows(
            connection,
            "raw.gc_listings",
            "select 'requisitions' as register, ? as listed_at",
            key=["register"],
            values=[_utc(at)],
        )
    odd = _odd(agreement=agreed.odd, requisition=required.odd)
    return RegisterRead(len(requisitions), odd)


def _odd(**listings: Mapping[str, str]) -> dict[str, str]:
    return {
        f"{kind} {name}": reason for kind, odd in listings.items() for name, reason in odd.items()
    }


def account_row(account: Account, *, requisition_id: str) -> dict[str, str | None]:
    """The row of an account in ``raw.gc_bank_accounts``."""
    return {
        "account_id": account.id,
        "requisition_id": requisition_id,
        "institution_id": account.institution_id,
        "iban": account.iban,
        "status": account.status,
        "owner_name": account.owner_name,
        "name": account.name,
        "payload": payload_of(account),
    }


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None)
