"""The client of Enable Banking's API; its answers about accounts are the shared documents."""

import copy
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from gocardless.bank_api.addresses import address_in
from gocardless.bank_api.client import Answer, BankApiClient, Patience
from gocardless.bank_api.documents import BalancesAnswer, DetailsAnswer, read_document
from gocardless.bank_api.errors import MalformedAnswerError
from gocardless.bank_api.limits import Limit
from gocardless.enable_banking import translation
from gocardless.enable_banking.errors import NoAnswerFromEnableBankingError, error_of
from gocardless.enable_banking.models import Aspsp, Authorisation, NewSession, Session
from gocardless.enable_banking.tokens import SignedTokens
from shared_lib.secrets import SecretNotFoundError, know

if TYPE_CHECKING:
    from shared_lib.secrets import SecretsResource

ADDRESS_VARIABLE = "ENABLE_BANKING_API_URL"
VENDOR_ADDRESS = "https://api.enablebanking.com"
_CREDENTIALS = "gocardless/enable_banking"
_MOST_PAGES = 1000


class EnableBankingClient(BankApiClient):
    """Calls the API; safe to use from many threads at once."""

    no_answer = NoAnswerFromEnableBankingError

    def __init__(
        self,
        *,
        url: str,
        application_id: str,
        private_key: Callable[[], str],
        patience: Patience | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Call the API at ``url``.

        Args:
            url: the base URL.
            application_id: which the vendor has assigned to the application.
            private_key: returns the application's RSA key in PEM; called when a token is signed.
            patience: time-outs and attempts.
            now: returns the current time, UTC.
        """
        tokens = SignedTokens(application_id=application_id, private_key=private_key, now=now)
        super().__init__(url=url, tokens=tokens, error_of=error_of, patience=patience, now=now)
        self.psu_headers: Mapping[str, Mapping[str, str]] = {}

    def with_psu_headers(
        self, by_account: Mapping[str, Mapping[str, str]]
    ) -> "EnableBankingClient":
        """The same client, which sends the headers of a user for these accounts."""
        other = copy.copy(self)
        other.psu_headers = by_account
        return other

    def aspsps(self, country: str | None = None) -> list[Aspsp]:
        """Return the banks, of all countries or of one by its two letters."""
        query = {"country": country} if country else None
        answer, _ = self._get("/aspsps", query)
        if not isinstance(answer, dict) or not isinstance(answer.get("aspsps"), list):
            raise MalformedAnswerError("the list of banks is not a list", status=200)
        return [read_document(Aspsp, document) for document in answer["aspsps"]]

    def authorise(self, request: Mapping[str, Any]) -> Authorisation:
        """Start an authorisation; returns the link for the accounts' owner."""
        return read_document(Authorisation, self._post_signed("/auth", request))

    def open_session(self, code: str) -> NewSession:
        """Finish an authorisation with the code that the bank's page has returned."""
        know(code, name="enable banking authorisation code")
        return read_document(NewSession, self._post_signed("/sessions", {"code": code}))

    def session(self, session_id: str) -> Session:
        """Return the state of a session; counts against no bank limit."""
        answer, _ = self._get(f"/sessions/{quote(session_id, safe='')}")
        return read_document(Session, answer)

    def details(self, account_id: str) -> Answer[DetailsAnswer]:
        """Return the bank's details of an account."""
        body = self._of_bank(account_id, "details")
        return Answer(read_document(DetailsAnswer, {"account": translation.account(body)}), Limit())

    def balances(self, account_id: str) -> Answer[BalancesAnswer]:
        """Return the balances of an account."""
        body = self._of_bank(account_id, "balances")
        entries = [translation.balance(entry) for entry in _list(body, "balances")]
        return Answer(BalancesAnswer(balances=entries), Limit())

    def transactions_text(
        self, account_id: str, *, date_from: date, date_to: date | None = None
    ) -> Answer[str]:
        """Return all pages of an account's transactions as one answer in the shared form."""
        query = {"date_from": date_from.isoformat()}
        if date_to is not None:
            query["date_to"] = date_to.isoformat()
        entries: list[Any] = []
        keys: set[str] = set()
        while True:
            page = self._of_bank(account_id, "transactions", query)
            entries += _list(page, "transactions")
            key = page.get("continuation_key")
            # an empty page may have a key: the bank has more, but not yet
            if not key:
                lists = translation.transaction_lists(entries)
                return Answer(json.dumps({"transactions": lists}), Limit())
            if not isinstance(key, str) or key in keys or len(keys) >= _MOST_PAGES:
                raise MalformedAnswerError("the pages of transactions have no end", status=200)
            keys.add(key)
            query["continuation_key"] = key

    def _of_bank(
        self, account_id: str, scope: str, query: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        path = f"/accounts/{quote(account_id, safe='')}/{scope}"
        headers = self.psu_headers.get(account_id, {})
        body, _ = self._get(path, query, headers=headers)
        if not isinstance(body, dict):
            raise MalformedAnswerError(f"{scope} of an account is not an object", status=200)
        return body

    def _post_signed(self, path: str, body: Mapping[str, Any]) -> Any:
        token = self._tokens.token()
        # a code counts once: what got no answer is not sent again
        return self._send_once("POST", path, token=token, json=body)[0]


def enable_banking_address() -> str:
    """Return the API's base URL: ``ENABLE_BANKING_API_URL``, by default the vendor's address.

    Raises:
        ApiAddressError: it is not an http or https address.
    """
    return address_in(ADDRESS_VARIABLE, default=VENDOR_ADDRESS)


def connect_enable_banking(secrets: "SecretsResource") -> EnableBankingClient:
    """Return the client for ``ENABLE_BANKING_API_URL`` with the key from ``secrets``.

    Raises:
        SecretError: there are no credentials; the message says what to set.
        ApiAddressError: the variable is not an address.
    """
    try:
        secret = secrets.get(_CREDENTIALS)
    except SecretNotFoundError as error:
        raise SecretNotFoundError(
            f"{error}; its keys are application_id and private_key"
        ) from error
    private_key = secret["private_key"]
    return EnableBankingClient(
        url=enable_banking_address(),
        application_id=secret["application_id"].reveal(),
        private_key=private_key.reveal,
    )


def _list(body: Mapping[str, Any], name: str) -> list[Any]:
    found = body.get(name)
    if not isinstance(found, list):
        raise MalformedAnswerError(f"the answer has no list {name}", status=200)
    return found
