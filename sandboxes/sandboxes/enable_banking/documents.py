"""Accounts, balances and transactions in Enable Banking's words."""

import hashlib
from datetime import date
from typing import Any

from sandboxes.bank.bank import Bank, SandboxAccount
from sandboxes.bank.endpoints.accounts import iban_of
from sandboxes.bank.ledger import presented
from sandboxes.enable_banking.state import LONGEST_CONSENT, EnableBankingState, Session


def aspsp(bank: Bank, state: EnableBankingState) -> dict[str, Any]:
    """A bank in the list of banks."""
    found = {
        **name_of(bank),
        "logo": f"https://cdn.example.com/{bank.institution_id}.png",
        "psu_types": ["personal"],
        "auth_methods": [],
        "maximum_consent_validity": int(LONGEST_CONSENT.total_seconds()),
        "beta": False,
        "bic": bank.institution_id.rpartition("_")[2],
    }
    required = state.required_psu_headers.get(bank.name)
    return found if required is None else {**found, "required_psu_headers": required}


def name_of(bank: Bank) -> dict[str, str]:
    """What names a bank."""
    return {"name": bank.name, "country": bank.country}


def account(uid: str, found: SandboxAccount) -> dict[str, Any]:
    """An account; the hash is the same in every session."""
    return {
        "uid": uid,
        "account_id": {"iban": iban_of(found)},
        "name": found.owner_name,
        "details": "Girokonto",
        "product": "Giro Direkt",
        "cash_account_type": "CACC",
        "currency": found.ledger.currency,
        **_hashes(found),
    }


def session_account(uid: str, found: SandboxAccount) -> dict[str, Any]:
    """An account as a session names it."""
    return {"uid": uid, **_hashes(found)}


def session(found: Session, state: EnableBankingState) -> dict[str, Any]:
    """The state of a session."""
    return {
        "status": state.status(found),
        "accounts": list(found.accounts),
        "accounts_data": [session_account(uid, one) for uid, one in found.accounts.items()],
        "aspsp": name_of(found.bank),
        "psu_type": "personal",
        "psu_id_hash": "0",
        "access": access(found),
        "created": found.created.isoformat(),
        "authorized": found.created.isoformat(),
    }


def access(found: Session) -> dict[str, Any]:
    """What was consented to."""
    return {
        "valid_until": found.valid_until.isoformat(),
        "balances": True,
        "transactions": True,
    }


def balances(found: SandboxAccount, today: date) -> dict[str, Any]:
    """The closing balance."""
    amount = {
        "amount": f"{found.ledger.balance(today):.2f}",
        "currency": found.ledger.currency,
    }
    shown = {"name": "Booked", "balance_amount": amount, "balance_type": "CLBD"}
    return {"balances": [{**shown, "reference_date": today.isoformat()}]}


def transactions(
    found: SandboxAccount, state: EnableBankingState, first: date, last: date | None
) -> list[Any]:
    """What the bank shows, faults included."""
    lists = presented(
        found.ledger,
        today=state.clock.now().date(),
        date_from=first,
        date_to=last or date.max,
        draw=state.banks.draw,
    )
    return [
        *(
            _transaction(entry, status, number)
            for status, entries in (("BOOK", lists["booked"]), ("PDNG", lists["pending"]))
            for number, entry in enumerate(entries)
        ),
        *found.extra_booked,
    ]


def _transaction(entry: dict[str, Any], status: str, number: int) -> dict[str, Any]:
    money = entry["transactionAmount"]
    is_out = money["amount"].startswith("-")
    shown = {
        # names the place in the list, so another one in each answer
        "transaction_id": f"{number}-{status}",
        "entry_reference": entry.get("transactionId"),
        "transaction_amount": {**money, "amount": money["amount"].lstrip("-")},
        "credit_debit_indicator": "DBIT" if is_out else "CRDT",
        "status": status,
        "booking_date": entry.get("bookingDate"),
        "value_date": entry.get("valueDate"),
        "remittance_information": [entry.get("remittanceInformationUnstructured") or ""],
        "creditor": _party(entry.get("creditorName")),
        "debtor": _party(entry.get("debtorName")),
    }
    return {name: value for name, value in shown.items() if value is not None}


def _party(name: str | None) -> dict[str, str] | None:
    return {"name": name} if name else None


def _hashes(found: SandboxAccount) -> dict[str, Any]:
    digest = hashlib.sha256(found.account_id.encode()).hexdigest()
    return {"identification_hash": digest, "identification_hashes": [digest]}
