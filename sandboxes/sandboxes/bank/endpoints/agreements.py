"""End-user agreements: create, show, accept, reconfirm and delete."""

import uuid
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sandboxes.bank.bank import LONGEST_ACCESS_DAYS, SCOPES, Agreement, Bank, SandboxState
from sandboxes.bank.bodies import Kind
from sandboxes.bank.fields import (
    check_known,
    check_url,
    flag,
    required_text,
    uuid_of,
    whole_number,
)
from sandboxes.bank.refusals import field_refusal, refusal

AGREEMENT_FIELDS: Mapping[str, Kind] = {
    "institution_id": str,
    "max_historical_days": int,
    "access_valid_for_days": int,
    "access_scope": list,
    "reconfirmation": bool,
}
ACCEPTANCE_FIELDS: Mapping[str, Kind] = {"user_agent": str, "ip_address": str}
RECONFIRMATION_FIELDS: Mapping[str, Kind] = {"redirect": str}

_DEFAULT_DAYS = 90
_LONGEST_HISTORY_DAYS = 730
_RECONFIRMATION_WINDOW = timedelta(days=14)


def create_agreement(state: SandboxState, body: Mapping[str, Any]) -> dict[str, Any]:
    """Create an agreement, not accepted yet.

    Raises:
        Refusal: a field is invalid.
    """
    check_known(body, AGREEMENT_FIELDS)
    bank = known_bank(state, required_text(body, "institution_id"))
    access_days = whole_number(body, "access_valid_for_days", _DEFAULT_DAYS)
    if not 0 < access_days <= LONGEST_ACCESS_DAYS:
        raise field_refusal("AccessValidForDaysFieldErrors", most=str(LONGEST_ACCESS_DAYS))
    may_be_reconfirmed = flag(body, "reconfirmation")
    if may_be_reconfirmed and access_days <= _DEFAULT_DAYS:
        raise field_refusal("ReconfirmationIsNotAllowed")
    agreement = Agreement(
        agreement_id=str(uuid.uuid4()),
        bank=bank,
        created=state.clock.now(),
        max_historical_days=_history(bank, body),
        access_valid_for_days=access_days,
        access_scope=_scopes(body),
        may_be_reconfirmed=may_be_reconfirmed,
    )
    state.agreements.append(agreement)
    return agreement.document()


def known_bank(state: SandboxState, institution_id: str) -> Bank:
    """Return the bank with that id.

    Raises:
        Refusal: there is no such bank.
    """
    bank = state.bank(institution_id)
    if bank is None:
        raise field_refusal("InstitutionFieldErrors", institution=institution_id)
    return bank


def _history(bank: Bank, body: Mapping[str, Any]) -> int:
    days = whole_number(body, "max_historical_days", min(_DEFAULT_DAYS, bank.total_days))
    if not 0 < days <= min(bank.total_days, _LONGEST_HISTORY_DAYS):
        words = {"institution": bank.institution_id, "most": str(bank.total_days)}
        raise field_refusal("MaxHistoricalDaysFieldErrors", **words)
    return days


def _scopes(body: Mapping[str, Any]) -> tuple[str, ...]:
    chosen = body.get("access_scope", list(SCOPES))
    if not isinstance(chosen, list):
        raise field_refusal("WrongType", field="access_scope", kind="list")
    if not chosen:
        raise field_refusal("EmptyAccessScope")
    for scope in chosen:
        if scope not in SCOPES:
            raise field_refusal("AccessScopeFieldErrors", scope=str(scope))
    return tuple(chosen)


def find_agreement(state: SandboxState, agreement_id: str) -> Agreement:
    """Return the agreement with that id.

    Raises:
        Refusal: the id is not a UUID, or there is no such agreement.
    """
    wanted = uuid_of(agreement_id, "InvalidID")
    for agreement in state.agreements:
        if agreement.agreement_id == wanted:
            return agreement
    raise refusal("NotFoundError")


def accept_agreement(
    state: SandboxState, agreement_id: str, body: Mapping[str, Any]
) -> dict[str, Any]:
    """Accept an agreement for the end user.

    Raises:
        Refusal: it has already been accepted, or a field is invalid.
    """
    check_known(body, ACCEPTANCE_FIELDS)
    for name in ACCEPTANCE_FIELDS:
        required_text(body, name)
    agreement = find_agreement(state, agreement_id)
    if agreement.accepted is not None:
        raise refusal("EUAAccepted")
    agreement.accepted = state.clock.now()
    return agreement.document()


def delete_agreement(state: SandboxState, agreement_id: str) -> dict[str, Any]:
    """Delete an accepted agreement.

    Raises:
        Refusal: it was not accepted.
    """
    agreement = find_agreement(state, agreement_id)
    if agreement.accepted is None:
        raise refusal("EUANeedsToBeAccepted", agreement=agreement.agreement_id)
    state.agreements.remove(agreement)
    return {
        "summary": "End User Agreement deleted",
        "detail": f"End User Agreement {agreement.agreement_id} deleted",
    }


def reconfirmation_of(state: SandboxState, agreement_id: str, server: str) -> dict[str, Any]:
    """Return the requested reconfirmation.

    Raises:
        Refusal: none was requested, or the agreement allows none.
    """
    agreement = find_agreement(state, agreement_id)
    if not agreement.may_be_reconfirmed:
        raise refusal("ReconfirmationNotEnabled", agreement=agreement.agreement_id)
    if agreement.reconfirmation is None:
        raise refusal("NotFoundError")
    return _reconfirmation(state, agreement, server)


def ask_for_reconfirmation(
    state: SandboxState, agreement_id: str, body: Mapping[str, Any], server: str
) -> dict[str, Any]:
    """Ask the end user to confirm the access again.

    Raises:
        Refusal: the agreement allows none, or has no accounts.
    """
    check_known(body, RECONFIRMATION_FIELDS)
    redirect = body.get("redirect")
    if redirect is not None:
        check_url(redirect)
    agreement = find_agreement(state, agreement_id)
    if not agreement.may_be_reconfirmed:
        raise refusal("ReconfirmationNotEnabled", agreement=agreement.agreement_id)
    if agreement.accepted is None:
        raise refusal("EUANeedsToBeAccepted", agreement=agreement.agreement_id)
    agreement.reconfirmation = (redirect, state.clock.now())
    return _reconfirmation(state, agreement, server)


def _reconfirmation(state: SandboxState, agreement: Agreement, server: str) -> dict[str, Any]:
    redirect, created = agreement.reconfirmation or (None, state.clock.now())
    accounts = {
        account.account_id: {"reconfirmed": "", "rejected": ""}
        for connection in state.connections
        if connection.agreement is agreement
        for account in connection.accounts
    }
    return {
        "reconfirmation_url": f"{server}/psd2/reconfirm/{agreement.agreement_id}",
        "created": created.isoformat(),
        "url_valid_from": created.isoformat(),
        "url_valid_to": (created + _RECONFIRMATION_WINDOW).isoformat(),
        "redirect": redirect,
        "last_accessed": None,
        "last_submitted": None,
        "accounts": accounts,
    }
