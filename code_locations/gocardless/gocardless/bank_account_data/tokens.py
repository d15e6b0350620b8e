"""Access tokens: refreshed before they expire, once for all threads.

With the tables in the lake, once for all processes too; see
:mod:`gocardless.bank_account_data.shared_tokens`.
"""

import threading
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Any, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict

from gocardless.bank_api.errors import TokenRefusedError
from shared_lib.secrets import know

# A call may end some time after its token was requested.
EARLY = timedelta(minutes=5)

Post = Callable[[str, dict[str, str]], Any]
"""Sends a body to a path and returns the answer's body, or raises an ``ApiError``."""


class Token(BaseModel):
    """A token and its end."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    text: str
    expires_at: AwareDatetime

    def is_good(self, now: datetime) -> bool:
        """Return whether it stays valid for the time that a call takes."""
        return now < self.expires_at - EARLY


class TokenPair(BaseModel):
    """What the API issues for credentials: an access token, and the one that renews it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    access: Token
    refresh: Token

    def redact(self) -> None:
        """Let nothing that is written from now on show the tokens."""
        for token in (self.access, self.refresh):
            know(token.text, name="gocardless token")


class KeptTokens(Protocol):
    """The tokens of some credentials where processes share them, while one process has them."""

    def read(self) -> TokenPair | None:
        """Return the tokens; None if no row can be read."""
        ...

    def write(self, pair: TokenPair) -> None:
        """Keep tokens instead of those that are there."""
        ...


Sharing = Callable[[Mapping[str, str]], AbstractContextManager[KeptTokens]]
"""Opens what is kept for credentials, for one process at a time."""


class TokenSource:
    """Provides an access token that stays valid for some minutes."""

    def __init__(
        self,
        *,
        post: Post,
        credentials: Callable[[], dict[str, str]],
        now: Callable[[], datetime],
        sharing: Sharing | None = None,
    ) -> None:
        """Get tokens with ``post``; ``now`` is the clock.

        Args:
            post: sends a request without a token.
            credentials: returns secret_id and secret_key; called when they are needed.
            now: returns the current time, UTC.
            sharing: where processes share tokens; without it they stay in this one.
        """
        self._post, self._credentials, self._now = post, credentials, now
        self._sharing = sharing
        self._lock = threading.Lock()
        self._pair: TokenPair | None = None
        self._refused: str | None = None

    def token(self) -> str:
        """Return the access token; while one thread fetches it, the others wait.

        Raises:
            ApiError: the API issues no token.
            TokensBusyError: another process has been asking for it for too long.
            CatalogUnreachableError: tokens are shared, and Postgres does not answer.
        """
        with self._lock:
            if self._pair is None or not self._is_good(self._pair):
                sharing = self._sharing
                self._pair = self._shared(sharing) if sharing else self._asked(self._pair)
            return self._pair.access.text

    def discard(self, token: str) -> None:
        """Use ``token`` no longer, which the API has refused."""
        with self._lock:
            self._refused = token

    def _is_good(self, pair: TokenPair) -> bool:
        return pair.access.text != self._refused and pair.access.is_good(self._now())

    def _shared(self, sharing: Sharing) -> TokenPair:
        with sharing(self._credentials()) as kept:
            found = kept.read()
            if found is None or not self._is_good(found):
                found = self._asked(found or self._pair)
                kept.write(found)
            return found

    def _asked(self, known: TokenPair | None) -> TokenPair:
        if known is not None and known.refresh.is_good(self._now()):
            try:
                answer = self._post("/api/v2/token/refresh/", {"refresh": known.refresh.text})
            except TokenRefusedError:
                # refused before it expired: get a new pair with the credentials
                pass
            else:
                return self._pair_of(self._access_of(answer), known.refresh)
        answer = self._post("/api/v2/token/new/", self._credentials())
        refresh = self._token(answer["refresh"], answer["refresh_expires"])
        return self._pair_of(self._access_of(answer), refresh)

    def _access_of(self, answer: dict[str, Any]) -> Token:
        return self._token(answer["access"], answer["access_expires"])

    def _token(self, text: str, seconds: int) -> Token:
        return Token(text=text, expires_at=self._now() + timedelta(seconds=seconds))

    def _pair_of(self, access: Token, refresh: Token) -> TokenPair:
        pair = TokenPair(access=access, refresh=refresh)
        pair.redact()
        return pair
