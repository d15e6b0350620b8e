"""Sending in the background, as well as it goes, at a bounded cost to the run.

A run hands work over and goes on. Each endpoint has threads of its own, so that a dead one holds
up no other. An endpoint that has refused several pieces in a row is given up for the process.
What could not be sent is counted and told once, at the end.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

# Pieces of work that wait for an endpoint; further ones are counted as not sent.
_LONGEST_QUEUE = 10_000
_FAILURES_BEFORE_GIVING_UP = 3
_POLL_SECONDS = 0.02


class NotSentError(Exception):
    """An endpoint did not take what was sent; the text says why."""


# Makes, in a thread of the delivery, what sends to the endpoint: the imports are expensive.
Connect = Callable[[], Any]
# Sends one piece by what `Connect` has made; raises to say that it was not sent.
Work = Callable[[Any], None]


@dataclass
class Channel:
    """One endpoint, its queue and its threads.

    Attributes:
        name: of the endpoint, for messages.
        connect: makes the sender, once in each thread.
        threads: how many requests may be under way at once.
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
        """Hand ``work`` over; returns at once."""
        with self._lock:
            if not self._is_started:
                self._is_started = True
                for _ in range(self.threads):
                    threading.Thread(target=self._deliver, name=self.name, daemon=True).start()
        try:
            self._pieces.put_nowait(work)
        except queue.Full:
            self._failed(f"more than {_LONGEST_QUEUE} pieces waited")

    def is_idle(self) -> bool:
        """Whether all that was handed over has been sent or given up."""
        return self._pieces.unfinished_tasks == 0

    def take_processor_seconds(self) -> float:
        """Processor time of the threads since this was last asked: the run had to share it."""
        with self._lock:
            taken, self._processor_seconds = self._processor_seconds, 0.0
            return taken

    def complaint(self) -> str | None:
        """What was not sent and why, for people; ``None`` when nothing is missing."""
        with self._lock:
            waiting = self._pieces.unfinished_tasks
            missing = self._not_sent + waiting
            if not missing:
                return None
            reason = self._reason or "it took too long"
            return f"{missing} to {self.name} ({reason})"

    def has_failed(self) -> bool:
        """Whether something is known not to have been sent."""
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
            except Exception as error:  # noqa: BLE001 - whatever it is, it is told at the end
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
        """Until all is sent or given up, but at most ``seconds``."""
        deadline = time.monotonic() + seconds
        while not all(channel.is_idle() for channel in self.channels):
            if time.monotonic() >= deadline:
                return
            time.sleep(_POLL_SECONDS)

    def take_processor_seconds(self) -> float:
        """Processor time that the threads took since this was last asked."""
        return sum(channel.take_processor_seconds() for channel in self.channels)

    def complaint(self) -> str | None:
        """One sentence on everything that was not sent; ``None`` when nothing is missing."""
        parts = [text for channel in self.channels if (text := channel.complaint())]
        if not parts:
            return None
        return (
            f"not sent: {'; '.join(parts)}. The run is not affected. Check the endpoint, or unset "
            "its variable (docs/observability.md)"
        )

    def has_failed(self) -> bool:
        """Whether an endpoint is known not to have taken something."""
        return any(channel.has_failed() for channel in self.channels)


def _in_words(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if not isinstance(error, NotSentError) else text
