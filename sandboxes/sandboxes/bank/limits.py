"""Counts successful calls per account and scope, in 24 hours from the first of them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandboxes.bank.bank import HeaderSpelling, SandboxAccount, SandboxState, Scope
from sandboxes.bank.refusals import refusal

WINDOW = timedelta(hours=24)
_GENERAL_LIMIT = 300


@dataclass
class _Window:
    began: datetime
    used: int = 0


class AccountLimits:
    """Counts calls against a bank's limits, and refuses those beyond."""

    def __init__(self, state: SandboxState) -> None:
        self._state = state
        self._windows: dict[tuple[str, Scope], _Window] = {}

    def check(self, account: SandboxAccount, scope: Scope) -> None:
        """Refuse with 429 when the account has no call of the scope left.

        Raises:
            Refusal: no call is left.
        """
        window = self._window(account, scope)
        if window.used < account.bank.calls_a_day:
            return
        seconds = self._seconds_left(window)
        refused = (
            refusal("RateLimitExceeded", limit=str(account.bank.calls_a_day), seconds=str(seconds))
            if self._state.limit_body == "seconds"
            else refusal("RateLimitError", scope=scope)
        )
        refused.headers = self.headers(account, scope)
        raise refused

    def spend(self, account: SandboxAccount, scope: Scope) -> None:
        """Count a successful call."""
        self._window(account, scope).used += 1

    def headers(self, account: SandboxAccount, scope: Scope) -> dict[str, str]:
        """Return the limits as response headers, in the spelling that the state sets."""
        window = self._window(account, scope)
        left = max(account.bank.calls_a_day - window.used, 0)
        seconds = str(self._seconds_left(window))
        spell = _spelling(self._state.header_spelling)
        return {
            spell(name): value
            for name, value in (
                ("LIMIT", str(_GENERAL_LIMIT)),
                ("REMAINING", str(_GENERAL_LIMIT - 1)),
                ("RESET", "60"),
                ("ACCOUNT_SUCCESS_LIMIT", str(account.bank.calls_a_day)),
                ("ACCOUNT_SUCCESS_REMAINING", str(left)),
                ("ACCOUNT_SUCCESS_RESET", seconds),
            )
            if self._state.header_spelling != "none"
        }

    def _window(self, account: SandboxAccount, scope: Scope) -> _Window:
        now = self._state.clock.now()
        key = (account.account_id, scope)
        window = self._windows.get(key)
        if window is None or now - window.began >= WINDOW:
            window = self._windows[key] = _Window(now)
        return window

    def _seconds_left(self, window: _Window) -> int:
        return int((window.began + WINDOW - self._state.clock.now()).total_seconds())


def _spelling(chosen: HeaderSpelling) -> Callable[[str], str]:
    if chosen == "dashes":
        return lambda name: f"x-ratelimit-{name.lower().replace('_', '-')}"
    return lambda name: f"HTTP_X_RATELIMIT_{name}"
