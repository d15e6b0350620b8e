"""Counts successful calls per account and scope, in 24 hours from the first of them."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sandboxes.bank.bank import HeaderSpelling, SandboxAccount, SandboxState, Scope
from sandboxes.bank.refusals import refusal

WINDOW = timedelta(hours=24)
_MINUTE = timedelta(minutes=1)
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
        self._general = _Window(state.clock.now())

    def check(self, account: SandboxAccount, scope: Scope) -> None:
        """Refuse with 429 when the account has no call of the scope left.

        Raises:
            Refusal: no call is left.
        """
        self._check_general(account, scope)
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

    def _check_general(self, account: SandboxAccount, scope: Scope) -> None:
        most = self._state.calls_a_minute
        if most is None:
            return
        if self._state.clock.now() - self._general.began >= _MINUTE:
            self._general = _Window(self._state.clock.now())
        if self._general.used >= most:
            refused = refusal(
                "GeneralRateLimitExceeded", limit=str(most), seconds=self._general_reset()
            )
            refused.headers = self.headers(account, scope)
            raise refused
        # a refusal by the bank counts as well
        self._general.used += 1

    def _general_reset(self) -> str:
        left = self._general.began + _MINUTE - self._state.clock.now()
        return str(math.ceil(left.total_seconds()))

    def spend(self, account: SandboxAccount, scope: Scope) -> None:
        """Count a successful call."""
        self._window(account, scope).used += 1

    def headers(self, account: SandboxAccount, scope: Scope) -> dict[str, str]:
        """Return the limits as response headers, in the spelling that the state sets."""
        window = self._window(account, scope)
        left = max(account.bank.calls_a_day - window.used, 0)
        seconds = str(self._seconds_left(window))
        most, used, reset = _GENERAL_LIMIT, 1, "60"
        if self._state.calls_a_minute is not None:
            most, used = self._state.calls_a_minute, self._general.used
            reset = self._general_reset()
        spell = _spelling(self._state.header_spelling)
        return {
            spell(name): value
            for name, value in (
                ("LIMIT", str(most)),
                ("REMAINING", str(most - used)),
                ("RESET", reset),
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
