"""Requisitions: create, show, authorize as the end user, and delete."""

import random
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from sandboxes.bank.bank import Agreement, Bank, Connection, SandboxAccount, SandboxState
from sandboxes.bank.bodies import Kind
from sandboxes.bank.endpoints.agreements import known_bank
from sandboxes.bank.fields import (
    check_known,
    check_url,
    flag,
    optional_text,
    required_text,
    uuid_of,
)
from sandboxes.bank.ledger import believable_months
from sandboxes.bank.refusals import field_refusal, refusal

REQUISITION_FIELDS: Mapping[str, Kind] = {
    "redirect": str,
    "institution_id": str,
    "agreement": str,
    "reference": str,
    "user_language": str,
    "ssn": str,
    "account_selection": bool,
    "redirect_immediate": bool,
}
_LONGEST_REDIRECT, _LONGEST_REFERENCE, _LONGEST_LANGUAGE, _LONGEST_SSN = 1024, 256, 5, 64
_NEW_CUSTOMER_DAYS = 120


def create_requisition(state: SandboxState, body: Mapping[str, Any], server: str) -> dict[str, Any]:
    """Create a requisition, with an agreement on default terms if none is named.

    Raises:
        Refusal: a field is invalid.
    """
    check_known(body, REQUISITION_FIELDS)
    missing = [name for name in ("redirect", "institution_id") if name not in body]
    if missing:
        raise field_refusal("FieldRequired", field=missing[0])
    redirect = body["redirect"]
    if redirect is not None:
        check_url(redirect, longest=_LONGEST_REDIRECT)
    bank = known_bank(state, required_text(body, "institution_id"))
    reference = optional_text(body, "reference", _LONGEST_REFERENCE)
    if reference and any(known.reference == reference for known in state.connections):
        raise field_refusal("ReferenceFieldErrors", reference=reference)
    ssn = body.get("ssn")
    if ssn is not None and (not isinstance(ssn, str) or len(ssn) > _LONGEST_SSN):
        raise field_refusal("WrongType", field="ssn", kind="text")
    connection = Connection(
        requisition_id=str(uuid.uuid4()),
        agreement=_agreement(state, bank, body),
        bank=bank,
        accounts=[],
        created=state.clock.now(),
        status="CR",
        reference=reference or "",
        redirect=redirect,
        user_language=optional_text(body, "user_language", _LONGEST_LANGUAGE) or "EN",
        account_selection=flag(body, "account_selection"),
        redirect_immediate=flag(body, "redirect_immediate"),
        ssn=ssn,
    )
    if connection.agreement not in state.agreements:
        state.agreements.append(connection.agreement)
    state.connections.append(connection)
    return connection.document(server)


def _agreement(state: SandboxState, bank: Bank, body: Mapping[str, Any]) -> Agreement:
    if "agreement" not in body:
        return Agreement(
            agreement_id=str(uuid.uuid4()),
            bank=bank,
            created=state.clock.now(),
            max_historical_days=min(90, bank.total_days),
        )
    text = body["agreement"]
    try:
        wanted = str(uuid.UUID(text))
    except (ValueError, AttributeError, TypeError):
        raise field_refusal("InvalidAgreement", agreement=str(text)) from None
    for agreement in state.agreements:
        if agreement.agreement_id == wanted:
            break
    else:
        raise field_refusal("AgreementNotFoundErrors", agreement=wanted)
    if agreement.bank is not bank:
        words = {"institution": bank.institution_id, "other": agreement.bank.institution_id}
        raise field_refusal("AgreementFieldErrors", **words)
    for connection in state.connections:
        if connection.agreement is agreement:
            taken = {"agreement": wanted, "requisition": connection.requisition_id}
            raise field_refusal("AgreementIsTaken", **taken)
    return agreement


def find_requisition(state: SandboxState, requisition_id: str) -> Connection:
    """Return the requisition with that id.

    Raises:
        Refusal: the id is not a UUID, or there is no such requisition.
    """
    wanted = uuid_of(requisition_id, "InvalidID")
    for connection in state.connections:
        if connection.requisition_id == wanted:
            return connection
    raise refusal("NotFoundError")


def delete_requisition(state: SandboxState, requisition_id: str) -> dict[str, Any]:
    """Delete a requisition with its agreement; its accounts can no longer be queried."""
    connection = find_requisition(state, requisition_id)
    state.connections.remove(connection)
    if connection.agreement in state.agreements:
        state.agreements.remove(connection.agreement)
    return {
        "summary": "Requisition deleted",
        "detail": f"Requisition {connection.requisition_id} deleted with all its "
        "End User Agreements",
    }


def authorize(state: SandboxState, requisition_id: str, *, consents: bool) -> str:
    """Do what the end user does behind the link; return where the browser is redirected.

    With consent, the agreement is accepted and the customer's accounts at the bank are linked.
    Without consent, the requisition is rejected.
    """
    connection = find_requisition(state, requisition_id)
    answer = {"ref": connection.reference or connection.requisition_id}
    if consents:
        connection.agreement.accepted = connection.agreement.accepted or state.clock.now()
        connection.accounts = _customer_accounts(state, connection.bank)
        connection.status = "LN"
    else:
        connection.status = "RJ"
        answer |= {"error": "UserCancelledSession", "details": "User cancelled the session"}
    target = connection.redirect or "https://app.example.com/linked"
    return f"{target}{'&' if '?' in target else '?'}{urlencode(answer)}"


def _customer_accounts(state: SandboxState, bank: Bank) -> list[SandboxAccount]:
    if not bank.customer:
        account_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"sandbox customer {bank.institution_id}"))
        seed = random.Random(account_id).getrandbits(32)  # noqa: S311 - believable, not secret
        today = state.clock.now().date()
        ledger = believable_months(
            account_id, "EUR", until=today, days=_NEW_CUSTOMER_DAYS, seed=seed
        )
        bank.customer.append(SandboxAccount(ledger, bank))
    return bank.customer.copy()
