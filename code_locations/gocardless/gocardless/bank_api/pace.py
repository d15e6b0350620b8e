"""Waiting for the general limit of calls, which all accounts share (300 a minute as documented)."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gocardless.bank_api.limits import Limit

LONGEST_WAIT_SECONDS = 300
"""A window is a minute; what names a longer one is not waited for, but refused by the API."""


@dataclass
class PaceFigures:
    """What the general limit has cost.

    Attributes:
        calls: how many requests were sent.
        limit: calls of one window, as the API last reported it; none if it has not.
        fewest_left: the fewest calls that were left in a window; none if none was reported.
        waits: how often a new window was waited for.
        seconds_waited: how long in all.
    """

    calls: int = 0
    limit: int | None = None
    fewest_left: int | None = None
    waits: int = 0
    seconds_waited: float = 0.0


class Pace:
    """Lets calls pass while the window has some left; safe to use from many threads at once."""

    def __init__(
        self,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        wait: Callable[[float], None] = time.sleep,
    ) -> None:
        """Read the time with ``now``, UTC, and let ``wait`` pass some seconds."""
        self._now, self._wait = now, wait
        self._lock = threading.Lock()
        # not held by a thread that waits for the next window
        self._counting = threading.Lock()
        self._window = 0
        self._left: int | None = None
        self._resets_at: datetime | None = None
        self.figures = PaceFigures()

    def take(self) -> int:
        """Use one call of the window, and return its number; waits when none is left."""
        with self._lock:
            # threads that come meanwhile wait for the lock
            if self._left is not None and self._left <= 0 and self._resets_at is not None:
                self._wait_until(self._resets_at)
            if self._left is not None:
                self._left -= 1
            return self._window

    def count(self) -> None:
        """Count a request that is sent."""
        with self._counting:
            self.figures.calls += 1

    def note(self, limit: Limit, *, window: int) -> None:
        """Learn from an answer to a call of ``window``; one of an earlier window says nothing.

        Of one window the fewest calls left count, whichever answer came first.
        """
        seconds = limit.reset_seconds
        if limit.remaining is None or seconds is None or seconds > LONGEST_WAIT_SECONDS:
            return
        with self._lock:
            if window != self._window:
                return
            resets_at = self._now() + timedelta(seconds=seconds)
            is_same = self._resets_at is not None and self._now() < self._resets_at
            left = limit.remaining
            self._left = min(left, self._left) if is_same and self._left is not None else left
            self._resets_at = max(resets_at, self._resets_at or resets_at)
            self.figures.limit = limit.limit
            self.figures.fewest_left = min(left, self.figures.fewest_left or left)

    def _wait_until(self, moment: datetime) -> None:
        seconds = (moment - self._now()).total_seconds()
        if seconds > 0:
            self._wait(seconds)
            self.figures.waits += 1
            self.figures.seconds_waited += seconds
        self._left = self._resets_at = None
        self._window += 1
