"""Tokens with the vendor's lifetimes: 24 hours and 30 days."""

import secrets
from datetime import datetime, timedelta

from sandboxes.bank.bank import SandboxClock

ACCESS_SECONDS = 24 * 60 * 60
REFRESH_SECONDS = 30 * 24 * 60 * 60


class Tokens:
    """The tokens that the server has issued."""

    def __init__(self, clock: SandboxClock) -> None:
        self._clock = clock
        self._access: dict[str, datetime] = {}
        self._refresh: dict[str, datetime] = {}

    def new_pair(self) -> dict[str, str | int]:
        """Return a new pair, as ``token/new`` does."""
        refresh = secrets.token_urlsafe(24)
        self._refresh[refresh] = self._clock.now() + timedelta(seconds=REFRESH_SECONDS)
        return {**self._new_access(), "refresh": refresh, "refresh_expires": REFRESH_SECONDS}

    def refreshed(self, refresh: str) -> dict[str, str | int] | None:
        """Return a new access token, as ``token/refresh`` does; None if ``refresh`` is invalid."""
        return self._new_access() if self._is_valid(self._refresh, refresh) else None

    def admits(self, authorization: str | None) -> bool:
        """Return whether an ``Authorization`` header has a valid access token."""
        kind, _, token = (authorization or "").partition(" ")
        return kind == "Bearer" and self._is_valid(self._access, token)

    def revoke_all(self) -> None:
        """Make every token invalid, as a restart of the vendor's service might."""
        self._access.clear()
        self._refresh.clear()

    def issued(self) -> list[str]:
        """Return every token that may still be used."""
        return [*self._access, *self._refresh]

    def _new_access(self) -> dict[str, str | int]:
        access = secrets.token_urlsafe(24)
        self._access[access] = self._clock.now() + timedelta(seconds=ACCESS_SECONDS)
        return {"access": access, "access_expires": ACCESS_SECONDS}

    def _is_valid(self, known: dict[str, datetime], token: str) -> bool:
        return token in known and self._clock.now() < known[token]
