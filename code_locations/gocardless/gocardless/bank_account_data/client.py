"""The client of the Bank Account Data API v2."""

import json
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from gocardless.bank_account_data.errors import (
    ApiError,
    InstitutionUnavailableError,
    MalformedAnswerError,
    NoAnswerError,
    RateLimitedError,
    TokenRefusedError,
    error_of,
)
from gocardless.bank_account_data.limits import Limit, account_limit, general_limit
from gocardless.bank_account_data.models import (
    Account,
    Agreement,
    BalancesAnswer,
    DetailsAnswer,
    Document,
    Institution,
    NewRequisition,
    Requisition,
    TransactionsAnswer,
)
from gocardless.bank_account_data.pace import LONGEST_WAIT_SECONDS, Pace
from gocardless.bank_account_data.reachability import base_url
from gocardless.bank_account_data.tokens import Tokens, TokenSource
from shared_lib.secrets import SecretNotFoundError

if TYPE_CHECKING:
    import requests

    from shared_lib.secrets import SecretsResource

Model = TypeVar("Model", bound=Document)
Body = TypeVar("Body")

_CREDENTIALS = "gocardless/api"
_PAGE_LIMIT = 100
# of the general limit, that one call is tried in
_WINDOWS = 4
_SUCCESS = frozenset({200, 201})
# Read per chunk of an answer; the 10 KiB that requests reads by default cost a third more CPU.
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long to wait, and how often to try again.

    Attributes:
        connect_seconds: time-out for connecting.
        read_seconds: time-out for an answer; banks are slow.
        attempts: total attempts for a call that gets no answer or a 5xx.
        first_pause_seconds: pause before the second attempt; doubles, with jitter, each time.
        longest_pause_seconds: upper limit of a pause.
    """

    connect_seconds: float = 5.0
    read_seconds: float = 60.0
    attempts: int = 4
    first_pause_seconds: float = 0.5
    longest_pause_seconds: float = 20.0


@dataclass(frozen=True)
class Answer(Generic[Body]):
    """A successful answer about an account.

    Attributes:
        body: the requested data.
        limit: the account's limit as the answer reports it.
    """

    body: Body
    limit: Limit


@dataclass
class Listing(Generic[Model]):
    """A list that is read one by one.

    Attributes:
        documents: what could be read.
        odd: why the others could not, by id.
    """

    documents: list[Model] = field(default_factory=list)
    odd: dict[str, str] = field(default_factory=dict)


class BankDataClient:
    """Calls the API; safe to use from many threads at once."""

    def __init__(
        self,
        *,
        url: str,
        credentials: Callable[[], dict[str, str]] = dict,
        tokens: Tokens | None = None,
        patience: Patience | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
    ) -> None:
        """Call the API at ``url``.

        Args:
            url: the base URL.
            credentials: returns secret_id and secret_key; called when a token is needed.
            tokens: provides tokens that are not made from credentials.
            patience: time-outs and attempts.
            now: returns the current time, UTC.
            pace: waits for the general limit.
        """
        self.pace = pace or Pace(now=now)
        self._url, self._patience = url, patience or Patience()
        self._tokens = tokens or TokenSource(post=self._post, credentials=credentials, now=now)
        # a requests session is not safe to share between threads
        self._of_thread = threading.local()

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
            raise MalformedAnswerError("the list of institutions is no list", status=200)
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
        return _read(NewRequisition, answer)

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
        text, headers = self._get(path, query, read=text_of)
        return Answer(text, account_limit(headers))

    def _of_account(
        self,
        model: type[Model],
        account_id: str,
        rest: str,
    ) -> Answer[Model]:
        body, headers = self._get(f"{_account_path(account_id)}{rest}")
        return Answer(_read(model, body), account_limit(headers))

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

    def _get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        read: Callable[["Reply"], Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Any, Mapping[str, str]]:
        token = self._tokens.token()
        sent: dict[str, Any] = {"params": query, "read": read, "headers": headers}
        try:
            return self._send("GET", path, token=token, **sent)
        except TokenRefusedError:
            # it may have been revoked before it expired; try once with a new one
            self._tokens.discard(token)
            return self._send("GET", path, token=self._tokens.token(), **sent)

    def _post(self, path: str, body: dict[str, str]) -> Any:
        return self._send("POST", path, json=body)[0]

    def _send(
        self, method: str, path: str, *, token: str | None = None, **arguments: Any
    ) -> tuple[Any, Mapping[str, str]]:
        import tenacity

        patience = self._patience
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((NoAnswerError, InstitutionUnavailableError)),
            stop=tenacity.stop_after_attempt(patience.attempts),
            wait=tenacity.wait_random_exponential(
                multiplier=patience.first_pause_seconds, max=patience.longest_pause_seconds
            ),
            reraise=True,
        )
        for windows_left in reversed(range(_WINDOWS)):
            window = self.pace.take()
            try:
                return attempts(
                    self._send_once, method, path, token=token, window=window, **arguments
                )
            except RateLimitedError as error:
                # other programs may use up the window as well
                seconds = error.reset_seconds
                is_short = seconds is not None and seconds <= LONGEST_WAIT_SECONDS
                if not (error.is_general and is_short and windows_left):
                    raise
                self.pace.note(Limit(error.limit.limit, 0, seconds), window=window)
        raise AssertionError("the last window returns or raises")

    def _send_once(
        self,
        method: str,
        path: str,
        *,
        token: str | None,
        window: int | None = None,
        read: Callable[["Reply"], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> tuple[Any, Mapping[str, str]]:
        import requests

        if window is None:
            window = self.pace.take()
        headers = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        try:
            response = self._session().request(
                method,
                f"{self._url}{path}",
                headers=headers,
                timeout=(self._patience.connect_seconds, self._patience.read_seconds),
                allow_redirects=False,
                stream=True,
                **arguments,
            )
            with response:
                content = b"".join(response.iter_content(_CHUNK_BYTES))
        except requests.RequestException as error:
            message = f"no answer from {self._url}{path}: {type(error).__name__}"
            raise NoAnswerError(message) from error
        self.pace.note(general_limit(response.headers), window=window)
        reply = Reply(response.status_code, content, response.headers)
        return (read or _body)(reply), response.headers

    def _session(self) -> "requests.Session":
        import requests

        if not hasattr(self._of_thread, "session"):
            session = requests.Session()
            # Look up proxies and certificate authorities of the environment only once: doing so
            # for every request took half as long as everything else. Besides, a .netrc would
            # replace the token.
            found = session.merge_environment_settings(self._url, {}, None, None, None)
            session.trust_env = False
            session.proxies, session.verify = dict(found["proxies"]), found["verify"]
            self._of_thread.session = session
        return self._of_thread.session


def connect(secrets: "SecretsResource") -> BankDataClient:
    """Return the client for ``GOCARDLESS_API_URL`` with the credentials from ``secrets``.

    Raises:
        SecretError: there are no credentials; the message says what to set.
        ApiAddressError: the variable is not an address.
    """
    keys = ("secret_id", "secret_key")
    try:
        secret = secrets.get(_CREDENTIALS)
    except SecretNotFoundError as error:
        raise SecretNotFoundError(f"{error}; its keys are {' and '.join(keys)}") from error
    values = {key: secret[key] for key in keys}
    return BankDataClient(
        url=base_url(), credentials=lambda: {key: values[key].reveal() for key in keys}
    )


def read_transactions_answer(text: str) -> TransactionsAnswer:
    """Parse an answer about transactions.

    Raises:
        MalformedAnswerError: it is not JSON, or does not follow the contract.
    """
    return _read(TransactionsAnswer, parsed(text))


@dataclass(frozen=True)
class Reply:
    """A raw HTTP reply, not yet interpreted."""

    status: int
    content: bytes
    headers: Mapping[str, str]


def _account_path(account_id: str) -> str:
    return f"/api/v2/accounts/{quote(account_id, safe='')}/"


def _body(reply: Reply) -> Any:
    """Return the answer's body; raise ``ApiError`` if it is an error or not JSON."""
    return parsed(text_of(reply))


def text_of(
    reply: Reply, error: Callable[[int, Any, Mapping[str, str]], ApiError] = error_of
) -> str:
    """Return the answer's body as text; ``error`` makes the exception of an error's body.

    Raises:
        ApiError: the answer is an error.
    """
    if reply.status not in _SUCCESS:
        raise error(reply.status, _error_document(reply), reply.headers)
    try:
        # ignore the encoding in the header: JSON is UTF-8
        return reply.content.decode("utf-8")
    except UnicodeDecodeError as wrong:
        message = "the answer is not JSON in UTF-8"
        raise MalformedAnswerError(message, status=reply.status) from wrong


def _error_document(reply: Reply) -> Any:
    try:
        return json.loads(reply.content)
    except (ValueError, RecursionError):
        # for example a proxy's page; the status is enough
        return None


def parsed(text: str) -> Any:
    """Parse JSON; keep numbers with a fraction as text, so that no digit is lost."""
    try:
        return json.loads(text, parse_float=str)
    except ValueError as error:
        raise MalformedAnswerError("the answer is not JSON in UTF-8", status=200) from error
    except RecursionError as error:
        raise MalformedAnswerError("the answer is nested too deeply", status=200) from error


def _listing(model: type[Model], documents: Iterable[Any]) -> Listing[Model]:
    found: Listing[Model] = Listing()
    for number, document in enumerate(documents):
        try:
            found.documents.append(_read(model, document))
        except MalformedAnswerError as error:
            named = document.get("id") if isinstance(document, dict) else None
            found.odd[str(named or f"number {number} of the list")] = error.summary
    return found


def _read(model: type[Model], document: Any) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        fields = ", ".join(
            ".".join(map(str, problem["loc"])) or "document" for problem in error.errors()
        )
        message = f"the answer breaks the contract: {fields} of {model.__name__}"
        raise MalformedAnswerError(message, status=200) from error
