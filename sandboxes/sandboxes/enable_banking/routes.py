"""What the API answers to each call."""

import json
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from sandboxes.bank.bank import SandboxAccount
from sandboxes.enable_banking import documents
from sandboxes.enable_banking.state import (
    FAILURES,
    LONGEST_CONSENT,
    Authorisation,
    EnableBankingState,
    RefusalError,
    Session,
)

CONSENT_PATH = "/sandbox/consent/"
FAILURES_PATH = "/sandbox/failures"
_LONGEST_TOKEN_SECONDS = 86_400
_ACCOUNT = re.compile(r"/accounts/([^/]+)/(details|balances|transactions)")


@dataclass(frozen=True)
class Call:
    """A request; the names of headers are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    content: bytes
    server: str

    @property
    def body(self) -> Any:
        """The JSON that was sent; None without any."""
        try:
            return json.loads(self.content) if self.content else None
        except ValueError:
            raise RefusalError(400, "WRONG_REQUEST_PARAMETERS", "The body is not JSON") from None


@dataclass(frozen=True)
class Redirect:
    """Where the bank's page sends the owner."""

    url: str


class Routes:
    """Answers calls from the state."""

    def __init__(self, state: EnableBankingState) -> None:
        self._state = state

    def answer(self, call: Call) -> Any:
        """Return the body of the answer.

        Raises:
            RefusalError: an error of the API.
        """
        with self._state.lock:
            if call.method == "GET" and call.path.startswith(CONSENT_PATH):
                return self._consent(call)
            self._check_token(call.headers.get("authorization", ""))
            asked = _ACCOUNT.fullmatch(call.path)
            if call.method == "GET" and asked:
                return self._scope(call, asked[1], asked[2])
            if call.method in ("GET", "DELETE") and call.path.startswith("/sessions/"):
                return self._session(call)
            handlers = {
                ("GET", "/aspsps"): self._aspsps,
                ("POST", "/auth"): self._authorise,
                ("POST", "/sessions"): self._open,
                ("POST", FAILURES_PATH): self._fail,
            }
            handler = handlers.get((call.method, call.path))
            if handler is None:
                raise RefusalError(404, None, "Not found")
            return handler(call)

    def _check_token(self, header: str) -> None:
        if not header.startswith("Bearer "):
            raise RefusalError(401, "AUTHORIZATION_NOT_PROVIDED", "No authorization header")
        try:
            token = header.removeprefix("Bearer ")
            kid = jwt.get_unverified_header(token).get("kid")
            claims = jwt.decode(
                token,
                self._state.key.public_key(),
                algorithms=["RS256"],
                audience="api.enablebanking.com",
                issuer="enablebanking.com",
                # the sandbox's clock counts, not the machine's
                options={
                    "require": ["iat", "exp"],
                    "verify_exp": False,
                    "verify_iat": False,
                },
            )
        except jwt.InvalidTokenError as error:
            raise RefusalError(401, "UNAUTHORIZED_ACCESS", str(error)) from error
        now = self._state.clock.now().timestamp()
        is_long = claims["exp"] - claims["iat"] > _LONGEST_TOKEN_SECONDS
        if (
            kid != self._state.application_id
            or is_long
            or not claims["iat"] - 60 <= now < claims["exp"]
        ):
            raise RefusalError(401, "UNAUTHORIZED_ACCESS", "The token is not valid")

    def _aspsps(self, call: Call) -> Any:
        country = call.query.get("country")
        banks = [bank for bank in self._state.banks.banks if country in (None, bank.country)]
        return {"aspsps": [documents.aspsp(bank, self._state) for bank in banks]}

    def _authorise(self, call: Call) -> Any:
        request = call.body
        named = request.get("aspsp", {})
        for bank in self._state.banks.banks:
            if documents.name_of(bank) == named:
                break
        else:
            raise RefusalError(400, "WRONG_ASPSP_PROVIDED", "Wrong ASPSP name provided")
        if request.get("redirect_url") not in self._state.redirect_urls:
            raise RefusalError(400, "REDIRECT_URI_NOT_ALLOWED", "Redirect URI not allowed")
        until = datetime.fromisoformat(request["access"]["valid_until"])
        if not timedelta(0) < until - self._state.clock.now() <= LONGEST_CONSENT:
            raise RefusalError(422, "WRONG_REQUEST_PARAMETERS", "valid_until is too late")
        started = Authorisation(str(uuid.uuid4()), bank, request)
        self._state.authorisations.append(started)
        return {
            "url": f"{call.server}{CONSENT_PATH}{started.authorisation_id}",
            "authorization_id": started.authorisation_id,
            "psu_id_hash": "0",
        }

    def _consent(self, call: Call) -> Redirect:
        """The owner consents, or refuses with ``?refuse=1``."""
        wanted = call.path.removeprefix(CONSENT_PATH)
        for started in self._state.authorisations:
            if started.authorisation_id == wanted:
                break
        else:
            raise RefusalError(404, None, "Not found")
        returned = {"state": started.request["state"]}
        if "refuse" in call.query:
            returned["error"] = "access_denied"
        else:
            started.code = returned["code"] = str(uuid.uuid4())
        return Redirect(f"{started.request['redirect_url']}?{urlencode(returned)}")

    def _open(self, call: Call) -> Any:
        code = call.body.get("code")
        for started in self._state.authorisations:
            if code is not None and started.code == code:
                break
        else:
            raise RefusalError(422, "WRONG_AUTHORIZATION_CODE", "Wrong authorization code provided")
        started.code = None
        until = datetime.fromisoformat(started.request["access"]["valid_until"])
        opened = self._state.open(started.bank, until)
        return {
            "session_id": opened.session_id,
            "accounts": [documents.account(uid, one) for uid, one in opened.accounts.items()],
            "aspsp": documents.name_of(opened.bank),
            "psu_type": started.request.get("psu_type", "personal"),
            "access": documents.access(opened),
        }

    def _session(self, call: Call) -> Any:
        wanted = call.path.removeprefix("/sessions/")
        for found in self._state.sessions:
            if found.session_id == wanted:
                break
        else:
            raise RefusalError(404, "SESSION_DOES_NOT_EXIST", "No session found")
        if call.method == "GET":
            return documents.session(found, self._state)
        found.status = "CLOSED"
        return {"message": "OK"}

    def _scope(self, call: Call, uid: str, scope: str) -> Any:
        session, account = self._account(uid)
        status = self._state.status(session)
        if status != "AUTHORIZED":
            raise RefusalError(401, f"{status}_SESSION", f"Session is {status.lower()}")
        failures = account.failures.get(scope)  # pyright: ignore[reportArgumentType] - a scope of both
        if failures:
            code = failures.pop(0)
            raise RefusalError(FAILURES[code], code, f"The bank: {code}")
        self._check_psu_headers(call, session)
        # a user who is present may ask as often as they like
        is_present = any(name.startswith("psu-") for name in call.headers)
        if "continuation_key" not in call.query and not is_present:
            spent = (account.account_id, scope, self._state.clock.now().date().isoformat())
            if self._state.spent[spent] >= session.bank.calls_a_day:
                raise RefusalError(429, "ASPSP_RATE_LIMIT_EXCEEDED", "ASPSP Rate limit exceeded")
            self._state.spent[spent] += 1
        today = self._state.clock.now().date()
        if scope == "details":
            return documents.account(uid, account)
        if scope == "balances":
            return documents.balances(account, today)
        return self._transactions(call, session, account)

    def _check_psu_headers(self, call: Call, session: Session) -> None:
        required = self._state.required_psu_headers.get(session.bank.name, [])
        missing = [name for name in required if name.lower() not in call.headers]
        if missing:
            raise RefusalError(422, "PSU_HEADER_NOT_PROVIDED", f"{missing[0]} is not provided")

    def _account(self, uid: str) -> tuple[Session, SandboxAccount]:
        for session in self._state.sessions:
            if uid in session.accounts:
                return session, session.accounts[uid]
        raise RefusalError(404, "ACCOUNT_DOES_NOT_EXIST", "No account found matching provided id")

    def _transactions(self, call: Call, session: Session, account: SandboxAccount) -> Any:
        today = self._state.clock.now().date()
        first = _day(call.query, "date_from") or today - timedelta(days=session.bank.total_days)
        last = _day(call.query, "date_to")
        if first > (last or today):
            raise RefusalError(422, "WRONG_DATE_INTERVAL", "date_from is after date_to")
        if today - first > timedelta(days=session.bank.total_days):
            raise RefusalError(422, "WRONG_TRANSACTIONS_PERIOD", "Wrong transactions period")
        key = call.query.get("continuation_key")
        if key is None:
            entries = documents.transactions(account, self._state, first, last)
        elif key in self._state.pages:
            entries = self._state.pages[key]
        else:
            raise RefusalError(422, "WRONG_CONTINUATION_KEY", "Wrong continuation key provided")
        page = {"transactions": entries[: self._state.page_size]}
        rest = entries[self._state.page_size :]
        if not rest:
            return page
        # what is left of the one answer, which would be another one if it were made again
        following = str(uuid.uuid4())
        self._state.pages[following] = rest
        return {**page, "continuation_key": following}

    def _fail(self, call: Call) -> Any:
        """Make the next calls of a scope fail, by error codes."""
        body = call.body
        _, account = self._account(body["account_id"])
        unknown = [
            code for codes in body["failures"].values() for code in codes if code not in FAILURES
        ]
        if unknown:
            raise RefusalError(422, None, f"{unknown[0]}: allowed is {', '.join(FAILURES)}")
        account.failures = {scope: list(codes) for scope, codes in body["failures"].items()}
        return {"failures": account.failures}


def _day(query: Mapping[str, str], name: str) -> date | None:
    try:
        return date.fromisoformat(query[name]) if name in query else None
    except ValueError:
        raise RefusalError(422, "WRONG_REQUEST_PARAMETERS", f"{name} is not a date") from None
