"""Routes each request to its answer."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from sandboxes.bank.bank import SandboxState
from sandboxes.bank.bodies import Kind, MalformedBodyError, read_body
from sandboxes.bank.control import CONTROLS
from sandboxes.bank.endpoints import agreements, requisitions
from sandboxes.bank.endpoints.accounts import Accounts
from sandboxes.bank.endpoints.tokens import Tokens
from sandboxes.bank.fields import check_known, required_text
from sandboxes.bank.refusals import Refusal, refusal

_API = "/api/v2/"
_TOKEN_FIELDS: Mapping[str, Mapping[str, Kind]] = {
    "token/new/": {"secret_id": str, "secret_key": str},
    "token/refresh/": {"refresh": str},
}
_PAGE_FIELDS: Mapping[str, Any] = {"limit": int, "offset": int}
_INSTITUTION_FIELDS: Mapping[str, Any] = dict.fromkeys(
    (
        "access_scopes_supported", "account_selection_supported", "business_accounts_supported",
        "card_accounts_supported", "corporate_accounts_supported", "country",
        "pending_transactions_supported", "private_accounts_supported",
        "read_debtor_account_supported", "read_refund_account_supported",
        "separate_continuous_history_consent_supported", "ssn_verification_supported",
    )
)  # fmt: skip
_COUNTRY = re.compile(r"[A-Za-z]{2}")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A request.

    Attributes:
        method: the HTTP method.
        path: the path without the query.
        query: the query, each field once.
        authorization: the ``Authorization`` header, if any.
        content: the body.
        content_type: the ``Content-Type`` header.
        server: the base URL that the client used.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    authorization: str | None = None
    content: bytes = b""
    content_type: str = "application/json"
    server: str = ""


@dataclass(frozen=True)
class Answer:
    """An answer; a body of bytes is sent unchanged, and a redirect has no body."""

    body: Any
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


Handler = Callable[[Call, str], Answer]


class Routes:
    """Answers from the state of the sandbox."""

    def __init__(self, state: SandboxState) -> None:
        self.state = state
        self.tokens = Tokens(state.clock)
        self.accounts = Accounts(state)
        # an id is any text between two slashes; its handler decides whether it is valid
        self._table: list[tuple[re.Pattern[str], dict[str, Handler]]] = [
            (re.compile(pattern.replace("{id}", "([^/]*)")), handlers)
            for pattern, handlers in self._handlers().items()
        ]

    def _handlers(self) -> dict[str, dict[str, Handler]]:
        """Return the contract's operations, and those that only the vendor's old client calls."""
        account_scopes: dict[str, dict[str, Handler]] = {
            f"accounts/{prefix}{{id}}/{scope}/": {"GET": self._scope(scope, ignored)}
            for prefix, ignored in (("", set()), ("premium/", {"country"}))
            for scope in ("details", "balances", "transactions")
        }
        return {
            "institutions/": {"GET": self._institutions},
            "institutions/{id}/": {"GET": self._institution},
            "agreements/enduser/": {"GET": self._list_agreements, "POST": self._new_agreement},
            "agreements/enduser/{id}/": {"GET": self._agreement, "DELETE": self._drop_agreement},
            "agreements/enduser/{id}/accept/": {"PUT": self._accept},
            "agreements/enduser/{id}/reconfirm/": {
                "GET": self._reconfirmation,
                "POST": self._reconfirm,
            },
            "requisitions/": {"GET": self._list_requisitions, "POST": self._new_requisition},
            "requisitions/{id}/": {"GET": self._requisition, "DELETE": self._drop_requisition},
            "accounts/{id}/": {"GET": self._metadata},
            **account_scopes,
        }

    def answer(self, call: Call) -> Answer:
        """Return the answer to a request, even if it is a refusal."""
        try:
            with self.state.lock:
                return self._answer(call)
        except Refusal as refused:
            return Answer(refused.body, refused.status, refused.headers or {})

    def _answer(self, call: Call) -> Answer:
        if call.path in CONTROLS and call.method == "POST":
            return Answer(CONTROLS[call.path](self.state, _body(call, {})))
        if call.path.startswith("/psd2/start/"):
            requisition_id = call.path.split("/")[3]
            consents = "deny" not in call.query
            target = requisitions.authorize(self.state, requisition_id, consents=consents)
            return Answer(b"", 302, {"Location": target})
        if not call.path.startswith(_API):
            raise refusal("NotFoundError")
        path = call.path.removeprefix(_API)
        if path in _TOKEN_FIELDS:
            return Answer(self._token(call, path))
        return self._authorized(call, path)

    def _authorized(self, call: Call, path: str) -> Answer:
        for pattern, handlers in self._table:
            found = pattern.fullmatch(path)
            if found is None:
                if pattern.fullmatch(f"{path}/"):
                    # like the vendor's framework; the vendor's own client omits the slash
                    query = f"?{urlencode(call.query)}" if call.query else ""
                    return Answer(b"", 301, {"Location": f"{call.path}/{query}"})
                continue
            if not self.tokens.admits(call.authorization):
                raise refusal("InvalidToken")
            if call.method not in handlers:
                raise _method_refusal(call.method, handlers)
            return handlers[call.method](call, found[1] if found.groups() else "")
        raise refusal("NotFoundError")

    def _token(self, call: Call, path: str) -> dict[str, Any]:
        if call.method != "POST":
            raise _method_refusal(call.method, {"POST": None})
        refused = refusal("AuthenticationFailed" if path == "token/new/" else "InvalidToken")
        try:
            body = read_body(call.content, call.content_type, _TOKEN_FIELDS[path])
            texts = [required_text(body, name) for name in _TOKEN_FIELDS[path]]
            check_known(body, _TOKEN_FIELDS[path])
        except (MalformedBodyError, Refusal):
            # the contract has no other answer to an invalid body here
            raise refused from None
        if path == "token/new/":
            if texts != [self.state.secret_id, self.state.secret_key]:
                raise refused
            return self.tokens.new_pair()
        renewed = self.tokens.refreshed(texts[0])
        if renewed is None:
            raise refused
        return renewed

    def _institutions(self, call: Call, _: str) -> Answer:
        check_known(call.query, _INSTITUTION_FIELDS)
        country = call.query.get("country")
        if country is not None and not _COUNTRY.fullmatch(country):
            raise refusal("NotAValidChoice", value=country)
        return Answer(
            [
                bank.document()
                for bank in self.state.banks
                if country is None or country.upper() == bank.country
            ]
        )

    def _institution(self, _: Call, institution_id: str) -> Answer:
        bank = self.state.bank(institution_id)
        if bank is None:
            raise refusal("NotFoundError")
        lists: dict[str, Any] = {"supported_features": [], "identification_codes": []}
        return Answer({**bank.document(), **lists})

    def _list_agreements(self, call: Call, _: str) -> Answer:
        # the contract has no 400 here
        return self._page(call, self.state.agreements, lambda it: it.document(), "NotFoundError")

    def _new_agreement(self, call: Call, _: str) -> Answer:
        body = _body(call, agreements.AGREEMENT_FIELDS)
        return Answer(agreements.create_agreement(self.state, body), 201)

    def _agreement(self, _: Call, agreement_id: str) -> Answer:
        return Answer(agreements.find_agreement(self.state, agreement_id).document())

    def _drop_agreement(self, _: Call, agreement_id: str) -> Answer:
        return Answer(agreements.delete_agreement(self.state, agreement_id))

    def _accept(self, call: Call, agreement_id: str) -> Answer:
        body = _body(call, agreements.ACCEPTANCE_FIELDS)
        return Answer(agreements.accept_agreement(self.state, agreement_id, body))

    def _reconfirmation(self, call: Call, agreement_id: str) -> Answer:
        return Answer(agreements.reconfirmation_of(self.state, agreement_id, call.server))

    def _reconfirm(self, call: Call, agreement_id: str) -> Answer:
        body = _body(call, agreements.RECONFIRMATION_FIELDS) if call.content else {}
        reconfirmation = agreements.ask_for_reconfirmation(
            self.state, agreement_id, body, call.server
        )
        return Answer(reconfirmation, 201)

    def _list_requisitions(self, call: Call, _: str) -> Answer:
        return self._page(
            call, self.state.connections, lambda it: it.document(call.server), "InvalidNumber"
        )

    def _new_requisition(self, call: Call, _: str) -> Answer:
        body = _body(call, requisitions.REQUISITION_FIELDS)
        return Answer(requisitions.create_requisition(self.state, body, call.server), 201)

    def _requisition(self, call: Call, requisition_id: str) -> Answer:
        found = requisitions.find_requisition(self.state, requisition_id)
        return Answer(found.document(call.server))

    def _drop_requisition(self, _: Call, requisition_id: str) -> Answer:
        return Answer(requisitions.delete_requisition(self.state, requisition_id))

    def _metadata(self, call: Call, account_id: str) -> Answer:
        return Answer(self.accounts.metadata(account_id, call.query))

    def _scope(self, scope: str, ignored: set[str]) -> Handler:
        def answer(call: Call, account_id: str) -> Answer:
            query = {name: value for name, value in call.query.items() if name not in ignored}
            body, headers = self.accounts.scope(account_id, scope, query)
            return Answer(body, headers=headers)

        return answer

    def _page(
        self, call: Call, items: list[Any], shown: Callable[[Any], Any], refused_by: str
    ) -> Answer:
        for name in call.query:
            if name not in _PAGE_FIELDS:
                raise refusal(refused_by, value=name, field="query")
        limit = _number(call.query, "limit", 100, least=1, refused_by=refused_by)
        offset = _number(call.query, "offset", 0, least=0, refused_by=refused_by)
        limit = min(limit, self.state.page_limit)

        def link(start: int) -> str:
            return f"{call.server}{call.path}?{urlencode({'limit': limit, 'offset': start})}"

        return Answer(
            {
                "count": len(items),
                "next": link(offset + limit) if offset + limit < len(items) else None,
                "previous": link(max(offset - limit, 0)) if offset > 0 else None,
                "results": [shown(item) for item in items[offset : offset + limit]],
            }
        )


def _body(call: Call, fields: Mapping[str, Kind]) -> dict[str, Any]:
    try:
        return read_body(call.content, call.content_type, fields)
    except MalformedBodyError as error:
        raise refusal("MalformedBody", reason=str(error)) from None


def _method_refusal(method: str, handlers: Mapping[str, Any]) -> Refusal:
    refused = refusal("MethodNotAllowed", value=method)
    refused.headers = {"Allow": ", ".join(handlers)}
    return refused


def _number(
    query: Mapping[str, str], name: str, default: int, *, least: int, refused_by: str
) -> int:
    text = query.get(name, str(default))
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise refusal(refused_by, value=text, field=name)
    return int(text)
