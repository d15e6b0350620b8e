"""A read-through cache with expiring entries that one thread at a time fetches."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from shared_lib.secrets.single_flight import SingleFlight

Kept = TypeVar("Kept")


class ReadThroughCache(Generic[Kept]):
    """A cache of fetched values; failures are not cached."""

    def __init__(self, *, lifetime_seconds: float) -> None:
        """Keep each entry for ``lifetime_seconds`` from when it was requested."""
        self._lifetime_seconds = lifetime_seconds
        self._lock = threading.Lock()
        self._entries: dict[Hashable, tuple[float, Kept]] = {}
        self._flights: dict[Hashable, SingleFlight] = {}

    def get(self, key: Hashable, fetch: Callable[[], Kept]) -> Kept:
        """Return the entry of ``key``; call ``fetch`` if none is fresh enough."""
        with self._lock:
            flight = self._flights.setdefault(key, SingleFlight())
        asked = time.monotonic()

        def fetch_and_keep() -> None:
            # The lifetime starts before the fetch, because the value may be from that moment.
            until = time.monotonic() + self._lifetime_seconds
            self._entries[key] = (until, fetch())

        # Measured from this thread's request: an entry that it waited for is fresh enough.
        flight.attempt(fetch_and_keep, unless=lambda: self._lives_until(key) > asked)
        return self._entries[key][1]

    def _lives_until(self, key: Hashable) -> float:
        return self._entries[key][0] if key in self._entries else float("-inf")
