"""Which request gets which answer."""

import re
import uuid
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any, cast
from urllib.parse import urlencode

from gocardless.sandbox.bank import SCOPES, Connection, SandboxAccount, SandboxState, Scope
from gocardless.sandbox.ledger import presented
from gocardless.sandbox.limits import AccountLimits
from gocardless.sandbox.refusals import Refusal, refusal
from gocardless.sandbox.tokens import Tokens

Answer = tuple[Any, dict[str, str]]
"""The body and the headers of a successful answer."""

_ACCOUNT = re.compile(r"/api/v2/accounts/(?P<id>[^/]+)/(?:(?P<scope>[a-z]+)/)?")
_AGREEMENT = re.compile(r"/api/v2/agreements/enduser/(?P<id>[^/]+)/")
_INSTITUTION = re.compile(r"/api/v2/institutions/(?P<id>[^/]+)/")
_REQUISITION = re.compile(r"/api/v2/requisitions/(?P<id>[^/]+)/")
_PAGE_FIELDS = frozenset({"limit", "offset"})
_INSTITUTION_FIELDS = frozenset(
    {
        "access_scopes_supported", "account_selection_supported", "business_accounts_supported",
        "card_accounts_supported", "corporate_accounts_supported", "country",
        "pending_transactions_supported", "private_accounts_supported",
        "read_debtor_account_supported", "read_refund_account_supported",
        "separate_continuous_history_consent_supported", "ssn_verification_supported",
    }
)  # fmt: skip
_COUNTRY = re.compile(r"[A-Za-z]{2}")


class Routes:
    """Answers from the state of the sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.tokens = Tokens(state.clock)
        self.limits = AccountLimits(state)

    def get(self, path: str, query: Mapping[str, str], authorization: str | None) -> Answer:
        """The answer to a GET request.

        Raises:
            Refusal: an error of the API.
        """
        if not self.tokens.admits(authorization):
            raise refusal("InvalidToken")
        if path == "/api/v2/institutions/":
            return self._institutions(query), {}
        if path == "/api/v2/requisitions/":
            documents = [connection.requisition() for connection in self.state.connections]
            return self._page(path, documents, query), {}
        if path == "/api/v2/agreements/enduser/":
            documents = [connection.agreement() for connection in self.state.connections]
            return self._page(path, documents, query), {}
        if found := _ACCOUNT.fullmatch(path):
            return self._account(found["id"], found["scope"], query)
        return self._single(path, query), {}

    def post(self, path: str, body: Any) -> Answer:
        """The answer to a POST request, of which the sandbox knows those for tokens.

        Raises:
            Refusal: an error of the API.
        """
        if path == "/api/v2/token/new/":
            given = (_field(body, "secret_id"), _field(body, "secret_key"))
            if given != (self.state.secret_id, self.state.secret_key):
                raise refusal("AuthenticationFailed")
            return self.tokens.new_pair(), {}
        if path == "/api/v2/token/refresh/":
            refreshed = self.tokens.refreshed(_field(body, "refresh"))
            if refreshed is None:
                raise refusal("InvalidToken")
            return refreshed, {}
        raise refusal("MethodNotAllowed", value="POST")

    def _institutions(self, query: Mapping[str, str]) -> list[dict[str, Any]]:
        _refuse_unknown(query, _INSTITUTION_FIELDS)
        country = query.get("country")
        if country is not None and not _COUNTRY.fullmatch(country):
            raise refusal("NotAValidChoice", value=country)
        documents = [bank.document() for bank in self.state.banks]
        return [
            document
            for document in documents
            if country is None or country.upper() in document["countries"]
        ]

    def _single(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        _refuse_unknown(query, frozenset())
        if found := _INSTITUTION.fullmatch(path):
            for bank in self.state.banks:
                if bank.institution_id == found["id"]:
                    lists: dict[str, Any] = {"supported_features": [], "identification_codes": []}
                    return {**bank.document(), **lists}
        elif found := _REQUISITION.fullmatch(path):
            _check_uuid(found["id"], "InvalidID")
            for connection in self.state.connections:
                if connection.requisition_id == found["id"]:
                    return connection.requisition()
        elif found := _AGREEMENT.fullmatch(path):
            _check_uuid(found["id"], "InvalidID")
            for connection in self.state.connections:
                if connection.agreement_id == found["id"]:
                    return connection.agreement()
        raise refusal("NotFoundError")

    def _page(
        self, path: str, documents: list[dict[str, Any]], query: Mapping[str, str]
    ) -> dict[str, Any]:
        _refuse_unknown(query, _PAGE_FIELDS)
        limit = min(_number(query, "limit", 100, least=1), self.state.page_limit)
        offset = _number(query, "offset", 0, least=0)

        def link(start: int) -> str:
            return f"{path}?{urlencode({'limit': limit, 'offset': start})}"

        return {
            "count": len(documents),
            "next": link(offset + limit) if offset + limit < len(documents) else None,
            "previous": link(max(offset - limit, 0)) if offset > 0 else None,
            "results": documents[offset : offset + limit],
        }

    def _account(self, account_id: str, scope: str | None, query: Mapping[str, str]) -> Answer:
        if scope is not None and scope not in SCOPES:
            raise refusal("NotFoundError")
        known = {"date_from", "date_to"} if scope == "transactions" else set[str]()
        _refuse_unknown(query, frozenset(known))
        if scope is not None:
            _check_uuid(account_id, "InvalidAccountID")
        found = self.state.account(account_id)
        if found is None:
            raise refusal("AccountNotFoundError", account=account_id)
        connection, account = found
        if scope is None:
            return self._metadata(account), {}
        with self.state.lock:
            return self._scoped(connection, account, cast("Scope", scope), query)

    def _scoped(
        self,
        connection: Connection,
        account: SandboxAccount,
        scope: Scope,
        query: Mapping[str, str],
    ) -> Answer:
        failures = account.failures.get(scope)
        if failures:
            raise refusal(failures.pop(0), scope=scope, **_words(connection, account))
        if self._has_expired(connection):
            raise refusal("EUAExpiredError", **_words(connection, account))
        self.limits.check(account, scope)
        body = {
            "details": self._details,
            "balances": self._balances,
            "transactions": lambda asked: self._transactions(asked, query),
        }[scope](account)
        self.limits.spend(account, scope)
        return body, self.limits.headers(account, scope)

    def _has_expired(self, connection: Connection) -> bool:
        valid = timedelta(days=connection.access_valid_for_days)
        return self.state.clock.now() >= connection.created + valid

    def _metadata(self, account: SandboxAccount) -> dict[str, Any]:
        return {
            "id": account.account_id,
            "created": "2026-01-05T08:00:00+00:00",
            "last_accessed": self.state.clock.now().isoformat(),
            "iban": _iban(account),
            "status": "READY",
            "institution_id": account.bank.institution_id,
            "owner_name": account.owner_name,
            "name": "Girokonto",
        }

    def _details(self, account: SandboxAccount) -> dict[str, Any]:
        return {
            "account": {
                "resourceId": account.account_id[:8],
                "iban": _iban(account),
                "currency": account.ledger.currency,
                "ownerName": account.owner_name,
                "name": "Girokonto",
                "product": "Giro Direkt",
                "cashAccountType": "CACC",
            }
        }

    def _balances(self, account: SandboxAccount) -> dict[str, Any]:
        today = self.state.clock.now().date()
        amount = {
            "amount": f"{account.ledger.balance(today):.2f}",
            "currency": account.ledger.currency,
        }
        shown = {"balanceAmount": amount, "referenceDate": today.isoformat()}
        return {"balances": [{**shown, "balanceType": "closingBooked"}]}

    def _transactions(self, account: SandboxAccount, query: Mapping[str, str]) -> dict[str, Any]:
        now = self.state.clock.now()
        today = now.date()
        first = _date(query, "date_from") or today - timedelta(days=account.bank.total_days)
        last = _date(query, "date_to") or today
        if first > last:
            words = {"date_from": first.isoformat(), "date_to": last.isoformat()}
            raise refusal("DateRangeError", **words)
        lists = presented(
            account.ledger, today=today, date_from=first, date_to=last, draw=self.state.draw
        )
        lists["booked"] += account.extra_booked
        return {"transactions": lists, "last_updated": now.isoformat()}


def _iban(account: SandboxAccount) -> str:
    return f"DE89370400{int(account.account_id[:8], 16):012d}"


def _words(connection: Connection, account: SandboxAccount) -> dict[str, str]:
    valid = timedelta(days=connection.access_valid_for_days)
    return {
        "account": account.account_id,
        "agreement": connection.agreement_id,
        "days": str(connection.access_valid_for_days),
        "expired": (connection.created + valid).date().isoformat(),
    }


def _refuse_unknown(query: Mapping[str, str], known: frozenset[str]) -> None:
    for name in query:
        if name not in known:
            raise refusal("UnknownFields", field=name)


def _check_uuid(text: str, error: str) -> None:
    try:
        uuid.UUID(text)
    except ValueError:
        raise refusal(error, account=text, value=text) from None


def _number(query: Mapping[str, str], name: str, default: int, *, least: int) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise refusal("InvalidNumber", value=text, field=name)
    return int(text)


def _date(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name)
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise refusal("InvalidDate", value=text) from None


def _field(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    if not isinstance(value, str) or not value:
        raise refusal("FieldRequired", field=name)
    return value


__all__ = ["Answer", "Refusal", "Routes"]
