"""Access tokens: refreshed before they expire, once for all threads."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from gocardless.bank_api.errors import TokenRefusedError
from shared_lib.secrets import know

# A call may end some time after its token was requested.
EARLY = timedelta(minutes=5)

Post = Callable[[str, dict[str, str]], Any]
"""Sends a body to a path and returns the answer's body, or raises an ``ApiError``."""


@dataclass(frozen=True)
class _Token:
    text: str
    expires_at: datetime

    def is_good(self, now: datetime) -> bool:
        return now < self.expires_at - EARLY


class TokenSource:
    """Provides an access token that stays valid for some minutes."""

    def __init__(
        self,
        *,
        post: Post,
        credentials: Callable[[], dict[str, str]],
        now: Callable[[], datetime],
    ) -> None:
        """Get tokens with ``post``; ``now`` is the clock.

        Args:
            post: sends a request without a token.
            credentials: returns secret_id and secret_key; called when they are needed.
            now: returns the current time, UTC.
        """
        self._post, self._credentials, self._now = post, credentials, now
        self._lock = threading.Lock()
        self._access: _Token | None = None
        self._refresh: _Token | None = None

    def token(self) -> str:
        """Return the access token; while one thread fetches it, the others wait.

        Raises:
            ApiError: the API issues no token.
        """
        with self._lock:
            if self._access is None or not self._access.is_good(self._now()):
                self._access = self._refreshed() or self._new()
            return self._access.text

    def discard(self, token: str) -> None:
        """Forget ``token``, which the API has refused, unless it has already been replaced."""
        with self._lock:
            if self._access is not None and self._access.text == token:
                self._access = None

    def _refreshed(self) -> _Token | None:
        if self._refresh is None or not self._refresh.is_good(self._now()):
            return None
        try:
            answer = self._post("/api/v2/token/refresh/", {"refresh": self._refresh.text})
        except TokenRefusedError:
            # refused before it expired: get a new pair with the credentials
            self._refresh = None
            return None
        return self._token(answer["access"], answer["access_expires"])

    def _new(self) -> _Token:
        answer = self._post("/api/v2/token/new/", self._credentials())
        self._refresh = self._token(answer["refresh"], answer["refresh_expires"])
        return self._token(answer["access"], answer["access_expires"])

    def _token(self, text: str, seconds: int) -> _Token:
        know(text, name="gocardless token")
        return _Token(text, self._now() + timedelta(seconds=seconds))
