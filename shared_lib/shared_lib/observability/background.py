"""Best-effort sending in the background, at a bounded cost to the run.

A run submits work and continues. Each endpoint has its own threads, so that a dead endpoint does
not delay the others. After several failures in a row, the process gives up the endpoint. Whatever
could not be sent is counted and reported once, at the end.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# How many pieces of work may wait for an endpoint; further ones are counted as not sent.
_LONGEST_QUEUE = 10_000
_FAILURES_BEFORE_GIVING_UP = 3
_POLL_SECONDS = 0.02


class NotSentError(Exception):
    """An endpoint did not accept what was sent; the text says why."""


# Creates the sender for an endpoint, in a delivery thread: the imports are expensive.
Connect = Callable[[], Any]
# Sends one piece through the sender that `Connect` created; raises if it was not sent.
Work = Callable[[Any], None]


@dataclass
class Channel:
    """One endpoint with its queue and threads.

    Attributes:
        name: the name of the endpoint, for messages.
        connect: creates the sender, once in each thread.
        threads: how many requests may run at once.
    """

    name: str
    connect: Connect
    threads: int = 1
    _pieces: "queue.Queue[Work]" = field(default_factory=lambda: queue.Queue(_LONGEST_QUEUE))
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _is_started: bool = False
    _failures_in_a_row: int = 0
    _not_sent: int = 0
    _reason: str = ""
    _processor_seconds: float = 0.0

    def submit(self, work: Work) -> None:
        """Queue ``work``; returns immediately."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                for _ in range(self.threads):
                    threading.Thread(target=self._deliver, name=self.name, daemon=True).start()
        try:
            self._pieces.put_nowait(work)
        except queue.Full:
            self._failed(f"more than {_LONGEST_QUEUE} items were queued")

    def is_idle(self) -> bool:
        """Return whether all submitted work has been sent or given up."""
        return self._pieces.unfinished_tasks == 0

    def take_processor_seconds(self) -> float:
        """Return the threads' processor time since the last call, which the run had to share."""
        with self._lock:
            taken, self._processor_seconds = self._processor_seconds, 0.0
            return taken

    def complaint(self) -> str | None:
        """Describe for people what was not sent and why; ``None`` if nothing is missing."""
        with self._lock:
            waiting = self._pieces.unfinished_tasks
            missing = self._not_sent + waiting
            if not missing:
                return None
            reason = self._reason or "it took too long"
            return f"{missing} to {self.name} ({reason})"

    def has_failed(self) -> bool:
        """Return whether something is known not to have been sent."""
        with self._lock:
            return self._not_sent > 0

    def _deliver(self) -> None:
        sender: Any = None
        while True:
            work = self._pieces.get()
            before = time.thread_time()
            try:
                if self._failures_in_a_row >= _FAILURES_BEFORE_GIVING_UP:
                    self._failed(self._reason)
                    continue
                if sender is None:
                    sender = self.connect()
                work(sender)
            except Exception as error:  # noqa: BLE001 - any error is reported at the end
                self._failed(_in_words(error))
            else:
                with self._lock:
                    self._failures_in_a_row = 0
            finally:
                with self._lock:
                    self._processor_seconds += time.thread_time() - before
                self._pieces.task_done()

    def _failed(self, reason: str) -> None:
        with self._lock:
            self._failures_in_a_row += 1
            self._not_sent += 1
            self._reason = reason


@dataclass(frozen=True)
class Delivery:
    """All endpoints of a process."""

    channels: tuple[Channel, ...]

    def wait(self, seconds: float) -> None:
        """Wait until everything is sent or given up, but at most ``seconds``."""
        deadline = time.monotonic() + seconds
        while not all(channel.is_idle() for channel in self.channels):
            if time.monotonic() >= deadline:
                return
            time.sleep(_POLL_SECONDS)

    def take_processor_seconds(self) -> float:
        """Return the threads' processor time since the last call."""
        return sum(channel.take_processor_seconds() for channel in self.channels)

    def complaint(self) -> str | None:
        """Describe in one sentence what was not sent; ``None`` if nothing is missing."""
        parts = [text for channel in self.channels if (text := channel.complaint())]
        if not parts:
            return None
        return (
            f"not sent: {'; '.join(parts)}. The run is not affected. Check the endpoint, or unset "
            "its variable (docs/observability.md)"
        )

    def has_failed(self) -> bool:
        """Return whether an endpoint is known to have missed something."""
        return any(channel.has_failed() for channel in self.channels)


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if not isinstance(error, NotSentError) else text
