"""The client of the Bank Account Data API v2."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Generic
from urllib.parse import quote

from gocardless.bank_account_data.errors import NoAnswerFromGoCardlessError, error_of
from gocardless.bank_account_data.models import (
    Account,
    Agreement,
    Institution,
    NewRequisition,
    Requisition,
)
from gocardless.bank_account_data.reachability import base_url
from gocardless.bank_account_data.tokens import Sharing, TokenSource
from gocardless.bank_api.client import Answer, BankApiClient, Patience
from gocardless.bank_api.documents import (
    BalancesAnswer,
    DetailsAnswer,
    Model,
    TransactionsAnswer,
    read_document,
    read_transactions_answer,
)
from gocardless.bank_api.errors import MalformedAnswerError
from gocardless.bank_api.limits import account_limit
from gocardless.bank_api.pace import Pace
from gocardless.opening import LOCATION
from shared_lib.secrets import SecretNotFoundError
from shared_lib.warehouse.setting import Backend, backend_of

if TYPE_CHECKING:
    from shared_lib.secrets import SecretsResource

_CREDENTIALS = "gocardless/api"
_PAGE_LIMIT = 100


@dataclass
class Listing(Generic[Model]):
    """A list that is read one by one.

    Attributes:
        documents: what could be read.
        odd: why the others could not, by id.
    """

    documents: list[Model] = field(default_factory=list)
    odd: dict[str, str] = field(default_factory=dict)


class BankDataClient(BankApiClient):
    """Calls the API; safe to use from many threads at once."""

    no_answer = NoAnswerFromGoCardlessError

    def __init__(
        self,
        *,
        url: str,
        credentials: Callable[[], dict[str, str]] = dict,
        patience: Patience | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
        sharing: Sharing | None = None,
    ) -> None:
        """Call the API at ``url``.

        Args:
            url: the base URL.
            credentials: returns secret_id and secret_key; called when a token is needed.
            patience: time-outs and attempts.
            now: returns the current time, UTC.
            pace: waits for the general limit.
            sharing: where processes share tokens; without it they stay in this one.
        """
        tokens = TokenSource(post=self._post, credentials=credentials, now=now, sharing=sharing)
        super().__init__(
            url=url, tokens=tokens, error_of=error_of, patience=patience, now=now, pace=pace
        )

    def institutions(self) -> list[Institution]:
        """Return all institutions."""
        return self.listed_institutions().documents

    def requisitions(self) -> list[Requisition]:
        """Return all requisitions, from all pages."""
        return self.listed_requisitions().documents

    def agreements(self) -> list[Agreement]:
        """Return all end-user agreements, from all pages."""
        return self.listed_agreements().documents

    def listed_institutions(self) -> Listing[Institution]:
        """Return all institutions, and those that cannot be read."""
        answer, _ = self._get("/api/v2/institutions/")
        if not isinstance(answer, list):
            raise MalformedAnswerError("the list of institutions is not a list", status=200)
        return _listing(Institution, answer)

    def listed_requisitions(self) -> Listing[Requisition]:
        """Return all requisitions, and those that cannot be read."""
        return _listing(Requisition, self._pages("/api/v2/requisitions/"))

    def listed_agreements(self) -> Listing[Agreement]:
        """Return all end-user agreements, and those that cannot be read."""
        return _listing(Agreement, self._pages("/api/v2/agreements/enduser/"))

    def require(self, institution_id: str, *, redirect_url: str) -> NewRequisition:
        """Start a connection with the vendor's default agreement; has the link for the owner."""
        body = {"institution_id": institution_id, "redirect": redirect_url}
        answer, _ = self._send_once(
            "POST", "/api/v2/requisitions/", token=self._tokens.token(), json=body
        )
        return read_document(NewRequisition, answer)

    def account(self, account_id: str) -> Answer[Account]:
        """Return what the vendor knows about an account; counts against no bank limit."""
        return self._of_account(Account, account_id, "")

    def details(self, account_id: str) -> Answer[DetailsAnswer]:
        """Return the bank's details of an account."""
        return self._of_account(DetailsAnswer, account_id, "details/")

    def balances(self, account_id: str) -> Answer[BalancesAnswer]:
        """Return the balances of an account."""
        return self._of_account(BalancesAnswer, account_id, "balances/")

    def transactions(
        self, account_id: str, *, date_from: date, date_to: date | None = None
    ) -> Answer[TransactionsAnswer]:
        """Return an account's transactions booked from ``date_from`` on, or to ``date_to``.

        Pending ones are included whatever their dates.
        """
        answer = self.transactions_text(account_id, date_from=date_from, date_to=date_to)
        return Answer(read_transactions_answer(answer.body), answer.limit)

    def transactions_text(
        self, account_id: str, *, date_from: date, date_to: date | None = None
    ) -> Answer[str]:
        """Return the same answer as raw text, checked only to be UTF-8.

        For :func:`read_transactions_answer`, or for a caller that reads many answers at once.
        """
        query = {"date_from": date_from.isoformat()}
        if date_to is not None:
            query["date_to"] = date_to.isoformat()
        path = f"{_account_path(account_id)}transactions/"
        text, headers = self._get(path, query, read=self._text)
        return Answer(text, account_limit(headers))

    def _of_account(
        self,
        model: type[Model],
        account_id: str,
        rest: str,
    ) -> Answer[Model]:
        body, headers = self._get(f"{_account_path(account_id)}{rest}")
        return Answer(read_document(model, body), account_limit(headers))

    def _pages(self, path: str) -> Iterator[Any]:
        offset = 0
        while True:
            query = {"limit": str(_PAGE_LIMIT), "offset": str(offset)}
            page, _ = self._get(path, query)
            if not isinstance(page, dict) or not isinstance(page.get("results"), list):
                raise MalformedAnswerError(f"{path} did not return a page of results", status=200)
            yield from page["results"]
            # Count the received results instead of following the link: behind a proxy it may name
            # another host, which must not get the token. A page may be smaller than requested.
            offset += len(page["results"])
            if not page.get("next") or not page["results"]:
                return

    def _post(self, path: str, body: dict[str, str]) -> Any:
        return self._send("POST", path, json=body)[0]


def connect(secrets: "SecretsResource") -> BankDataClient:
    """Return the client for ``GOCARDLESS_API_URL`` with the credentials from ``secrets``.

    Raises:
        SecretError: there are no credentials; the message says what to set.
        ApiAddressError: the variable is not an address.
        WarehouseSettingError: ``WAREHOUSE`` names no backend.
    """
    keys = ("secret_id", "secret_key")
    try:
        secret = secrets.get(_CREDENTIALS)
    except SecretNotFoundError as error:
        raise SecretNotFoundError(f"{error}; its keys are {' and '.join(keys)}") from error
    values = {key: secret[key] for key in keys}
    url = base_url()
    return BankDataClient(
        url=url,
        credentials=lambda: {key: values[key].reveal() for key in keys},
        sharing=token_sharing(url),
    )


def token_sharing(url: str) -> Sharing | None:
    """Return where processes share the tokens of the API at ``url``; None without the lake."""
    if backend_of(LOCATION) is Backend.FILE:
        return None
    # needs SQLAlchemy, as a file does not
    from gocardless.bank_account_data.shared_tokens import sharing_of

    return sharing_of(url)


def _account_path(account_id: str) -> str:
    return f"/api/v2/accounts/{quote(account_id, safe='')}/"


def _listing(model: type[Model], documents: Iterable[Any]) -> Listing[Model]:
    found: Listing[Model] = Listing()
    for number, document in enumerate(documents):
        try:
            found.documents.append(read_document(model, document))
        except MalformedAnswerError as error:
            named = document.get("id") if isinstance(document, dict) else None
            found.odd[str(named or f"number {number} of the list")] = error.summary
    return found
