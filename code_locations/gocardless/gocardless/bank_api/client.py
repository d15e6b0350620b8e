"""The client that the clients of all APIs extend: it sends, waits, tries again and reads."""

import json
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from gocardless.bank_api.documents import BalancesAnswer, DetailsAnswer, parsed
from gocardless.bank_api.errors import (
    ApiError,
    InstitutionUnavailableError,
    MalformedAnswerError,
    NoAnswerError,
    RateLimitedError,
    TokenRefusedError,
)
from gocardless.bank_api.limits import Limit, general_limit
from gocardless.bank_api.pace import LONGEST_WAIT_SECONDS, Pace
from gocardless.bank_api.tokens import Tokens

if TYPE_CHECKING:
    import requests

Body = TypeVar("Body")

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


@dataclass(frozen=True)
class Reply:
    """A raw HTTP reply, not yet interpreted."""

    status: int
    content: bytes
    headers: Mapping[str, str]


ErrorOf = Callable[[int, Any, Mapping[str, str]], ApiError]
"""Makes the exception of an error from its status, document and headers."""


class BankApiClient(ABC):
    """Calls an API; safe to use from many threads at once.

    Attributes:
        no_answer: the error of a call without an answer; it names the API's variable.
    """

    no_answer: type[NoAnswerError] = NoAnswerError

    def __init__(
        self,
        *,
        url: str,
        tokens: Tokens,
        error_of: ErrorOf,
        patience: Patience | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: Pace | None = None,
    ) -> None:
        """Call the API at ``url``.

        Args:
            url: the base URL.
            tokens: provides the token of each call.
            error_of: makes the exceptions of the API's errors.
            patience: time-outs and attempts.
            now: returns the current time, UTC.
            pace: waits for the general limit.
        """
        self.pace = pace or Pace(now=now)
        self._url, self._patience = url, patience or Patience()
        self._tokens, self._error_of = tokens, error_of
        # a requests session is not safe to share between threads
        self._of_thread = threading.local()

    @property
    def calls(self) -> int:
        """How many requests it has sent, further attempts and those for tokens included."""
        return self.pace.figures.calls

    @abstractmethod
    def details(self, account_id: str) -> Answer[DetailsAnswer]:
        """Return the bank's details of an account."""

    @abstractmethod
    def balances(self, account_id: str) -> Answer[BalancesAnswer]:
        """Return the balances of an account."""

    @abstractmethod
    def transactions_text(
        self, account_id: str, *, date_from: date, date_to: date | None = None
    ) -> Answer[str]:
        """Return an account's transactions booked from ``date_from`` on, or to ``date_to``.

        Pending ones are included whatever their dates. The text is in the shared form, for
        :func:`~gocardless.bank_api.documents.read_transactions_answer`, or for a caller that reads
        many answers at once.
        """

    def _get(
        self,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        read: Callable[[Reply], Any] | None = None,
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
        read: Callable[[Reply], Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **arguments: Any,
    ) -> tuple[Any, Mapping[str, str]]:
        import requests

        if window is None:
            window = self.pace.take()
        headers = {"Accept": "application/json", **(headers or {})}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        self.pace.count()
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
            raise self.no_answer(message) from error
        self.pace.note(general_limit(response.headers), window=window)
        reply = Reply(response.status_code, content, response.headers)
        return (read or self._body)(reply), response.headers

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

    def _body(self, reply: Reply) -> Any:
        """Return the answer's body; raise ``ApiError`` if it is an error or not JSON."""
        return parsed(self._text(reply))

    def _text(self, reply: Reply) -> str:
        """Return the answer's body as text; raise ``ApiError`` if it is an error or not UTF-8."""
        if reply.status not in _SUCCESS:
            raise self._error_of(reply.status, _error_document(reply), reply.headers)
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
