"""Requests to a catalogue's server, repeated while it is busy."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import tenacity

_BUSY = frozenset({429, 500, 502, 503, 504})
_NOT_FOUND = 404
_REFUSED = 300
_SHOWN_CHARACTERS = 300
# the last: the connection broke off in the middle of the answer
_NO_ANSWER = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
)


class CatalogError(RuntimeError):
    """A catalogue cannot be published to; the text says why."""


class CatalogUnavailableError(CatalogError):
    """The server does not answer, or is busy, for longer than we wait."""

    def __init__(self, message: str, *, wait_seconds: float | None = None) -> None:
        """Record how long the server asks to wait; None if it does not say."""
        super().__init__(message)
        self.wait_seconds = wait_seconds


@dataclass
class Server:
    """A catalogue's server.

    Attributes:
        url: its address.
        token: sent as a bearer token; empty for none.
        headers: sent with every request.
        timeout_seconds: the longest wait for an answer.
        patience_seconds: how long a request is repeated.
        sleep: waits the number of seconds.
    """

    url: str
    token: str = field(default="", repr=False)
    headers: dict[str, str] = field(default_factory=dict)
    timeout_seconds: float = 60.0
    patience_seconds: float = 300.0
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        self._session = requests.Session()
        # not what a .netrc or a proxy's variable of this machine says about the host
        self._session.trust_env = False

    def send(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the answer's JSON; None if there is no such entity.

        Raises:
            CatalogUnavailableError: no answer within the patience.
            CatalogError: the server refuses the request.
        """
        attempts = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(CatalogUnavailableError),
            stop=tenacity.stop_before_delay(self.patience_seconds),
            wait=_pause,
            sleep=self.sleep,
            reraise=True,
        )
        return attempts(self._once, method, path, body)

    def _once(self, method: str, path: str, body: Any) -> Any:
        what = f"{method} {self.url}{path.partition('?')[0]}"
        try:
            answer = self._session.request(
                method,
                self.url + path,
                json=body,
                headers=self._headers(),
                timeout=self.timeout_seconds,
                # a redirect would send the token to its target
                allow_redirects=False,
            )
        except _NO_ANSWER as error:
            raise CatalogUnavailableError(f"{what}: no answer ({type(error).__name__})") from error
        if answer.status_code == _NOT_FOUND and method == "GET":
            return None
        if answer.status_code in _BUSY:
            raise CatalogUnavailableError(
                f"{what}: HTTP {answer.status_code}", wait_seconds=_asked_to_wait(answer)
            )
        if answer.status_code >= _REFUSED:
            raise CatalogError(f"{what}: HTTP {answer.status_code}: {_start_of(answer)}")
        try:
            return answer.json() if answer.content else {}
        except requests.JSONDecodeError as error:
            # such as the page of a login in front of the server
            raise CatalogError(f"{what}: the answer is not JSON: {_start_of(answer)}") from error

    def _headers(self) -> dict[str, str]:
        token = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return {**self.headers, **token}


def _start_of(answer: requests.Response) -> str:
    return " ".join(answer.text.split())[:_SHOWN_CHARACTERS]


_growing = tenacity.wait_random_exponential(multiplier=1, max=30)


def _pause(state: tenacity.RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.wait_seconds if isinstance(error, CatalogUnavailableError) else None
    return asked if asked is not None else _growing(state)


def _asked_to_wait(answer: requests.Response) -> float | None:
    text = answer.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else None
