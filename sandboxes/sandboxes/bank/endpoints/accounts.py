"""Answers about accounts: metadata, and the scopes that the banks' limits apply to."""

import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast

from sandboxes.bank.bank import SCOPES, Connection, SandboxAccount, SandboxState, Scope
from sandboxes.bank.fields import check_known, uuid_of
from sandboxes.bank.ledger import presented
from sandboxes.bank.limits import AccountLimits
from sandboxes.bank.refusals import refusal

_DATES: Mapping[str, Any] = {"date_from": str, "date_to": str}

Told = tuple[Any, dict[str, str]]
"""The body and the headers of a successful answer."""


class Accounts:
    """Answers about accounts, from the state of the sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self.limits = AccountLimits(state)

    def metadata(self, account_id: str, query: Mapping[str, str]) -> dict[str, Any]:
        """Return what the vendor knows about an account.

        Raises:
            Refusal: an error of the API; the contract has none for an id that is not a UUID.
        """
        del query  # the contract defines no answer to unknown fields here
        found = self._state.account(_plain(account_id))
        if found is None:
            raise refusal("AccountNotFoundError", account=account_id)
        return _metadata(found[1], self._state)

    def scope(self, account_id: str, scope: str, query: Mapping[str, str]) -> Told:
        """Return the bank's answer about an account; counts against its limit.

        Raises:
            Refusal: an error of the API.
        """
        if scope not in SCOPES:
            raise refusal("NotFoundError")
        asked = cast("Scope", scope)
        wanted = uuid_of(account_id, "InvalidAccountID")
        check_known(query, _DATES if scope == "transactions" else {})
        with self._state.lock:
            found = self._state.account(wanted)
            if found is None:
                raise refusal("AccountNotFoundError", account=account_id)
            connection, account = found
            self._check_access(connection, account, asked)
            self.limits.check(account, asked)
            body = self._body(account, asked, query)
            self.limits.spend(account, asked)
            return body, self.limits.headers(account, asked)

    def _check_access(
        self, connection: Connection | None, account: SandboxAccount, scope: Scope
    ) -> None:
        if connection is None or connection.agreement not in self._state.agreements:
            raise refusal("AccountValidEUAError")
        agreement = connection.agreement
        words = {
            "account": account.account_id,
            "agreement": agreement.agreement_id,
            "days": str(agreement.access_valid_for_days),
            "expired": agreement.expires.date().isoformat(),
        }
        failures = account.failures.get(scope)
        if failures:
            raise refusal(failures.pop(0), scope=scope, **words)
        if self._state.clock.now() >= agreement.expires:
            raise refusal("EUAExpiredError", **words)
        if scope not in agreement.access_scope:
            raise refusal("AccountEUAScopeError", scope=scope)

    def _body(self, account: SandboxAccount, scope: Scope, query: Mapping[str, str]) -> Any:
        if scope == "details":
            return _details(account)
        if scope == "balances":
            return _balances(account, self._state)
        return self._transactions(account, query)

    def _transactions(self, account: SandboxAccount, query: Mapping[str, str]) -> Any:
        now = self._state.clock.now()
        today = now.date()
        first = _date(query, "date_from") or today - timedelta(days=account.bank.total_days)
        last = _date(query, "date_to") or today
        if first > last:
            words = {"date_from": first.isoformat(), "date_to": last.isoformat()}
            raise refusal("DateRangeError", **words)
        if (first, last) in account.prepared:
            return account.prepared[first, last]
        # bookings that are dated ahead are in an answer whose end was not asked for
        until = last if "date_to" in query else date.max
        lists = presented(
            account.ledger, today=today, date_from=first, date_to=until, draw=self._state.draw
        )
        lists["booked"] += account.extra_booked
        return {"transactions": lists, "last_updated": now.isoformat()}


def _metadata(account: SandboxAccount, state: SandboxState) -> dict[str, Any]:
    return {
        "id": account.account_id,
        "created": "2026-01-05T08:00:00+00:00",
        "last_accessed": state.clock.now().isoformat(),
        "iban": iban_of(account),
        "status": "READY",
        "institution_id": account.bank.institution_id,
        "owner_name": account.owner_name,
        "name": "Girokonto",
    }


def _details(account: SandboxAccount) -> dict[str, Any]:
    return {
        "account": {
            "resourceId": account.account_id[:8],
            "iban": iban_of(account),
            "currency": account.ledger.currency,
            "ownerName": account.owner_name,
            "name": "Girokonto",
            "product": "Giro Direkt",
            "cashAccountType": "CACC",
        }
    }


def _balances(account: SandboxAccount, state: SandboxState) -> dict[str, Any]:
    today = state.clock.now().date()
    amount = {
        "amount": f"{account.ledger.balance(today):.2f}",
        "currency": account.ledger.currency,
    }
    shown = {"balanceAmount": amount, "referenceDate": today.isoformat()}
    return {"balances": [{**shown, "balanceType": "closingBooked"}]}


def iban_of(account: SandboxAccount) -> str:
    """The account's IBAN, with the check digits of ISO 13616."""
    number = f"370400{int(account.account_id[:8], 16):012d}"
    # the country's letters as numbers, and two zeros
    return f"DE{98 - int(f'{number}131400') % 97:02d}{number}"


def _plain(account_id: str) -> str:
    try:
        return str(uuid.UUID(account_id))
    except ValueError:
        return account_id


def _date(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refusal("InvalidDate", value=text) from None
