"""A read-through cache whose entries live for a while and are fetched by one thread at a time."""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from shared_lib.secrets.single_flight import SingleFlight

Kept = TypeVar("Kept")


class ReadThroughCache(Generic[Kept]):
    """Keeps what was fetched; what could not be fetched is not remembered."""

    def __init__(self, *, lifetime_seconds: float) -> None:
        """Keep each entry for ``lifetime_seconds`` from when it was asked for."""
        self._lifetime_seconds = lifetime_seconds
        self._lock = threading.Lock()
        self._entries: dict[Hashable, tuple[float, Kept]] = {}
        self._flights: dict[Hashable, SingleFlight] = {}

    def get(self, key: Hashable, fetch: Callable[[], Kept]) -> Kept:
        """The entry of ``key``, from ``fetch`` if there is none that is young enough."""
        with self._lock:
            flight = self._flights.setdefault(key, SingleFlight())
        asked = time.monotonic()

        def fetch_and_keep() -> None:
            # The life begins before the fetch: what is kept was true then at the earliest.
            until = time.monotonic() + self._lifetime_seconds
            self._entries[key] = (until, fetch())

        # As of when this thread asked: an entry that it waited for is fresh enough for it.
        flight.attempt(fetch_and_keep, unless=lambda: self._lives_until(key) > asked)
        return self._entries[key][1]

    def _lives_until(self, key: Hashable) -> float:
        return self._entries[key][0] if key in self._entries else float("-inf")
