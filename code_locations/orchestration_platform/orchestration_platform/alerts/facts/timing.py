"""How long the alerts wait for what."""

import time
from dataclasses import dataclass, field


class Clock:
    """The clock that limits a pass; a test passes one that counts the waits alone."""

    def now(self) -> float:
        """Return a time in seconds that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait for a number of ``seconds``."""
        time.sleep(seconds)


@dataclass(frozen=True, kw_only=True)
class Timing:
    """All waits of a pass, in seconds, and the clock that measures the pass.

    Attributes:
        collecting: how long a pass reads, and
        sending: how long it sends; Dagster gives a tick 60 s, and the next one continues.
        pace: multiplies the shortest time between two calls to a service.
        quiet: how long a failure must be quiet before its message is updated, so that a storm costs
            few calls.
        claim: how long a message belongs to the process that sends it. Longer than any call to a
            service takes: an older claim belongs to a process that has died.
        longest_pause: between two calls to a service that does not answer.
        overlap: how much of the log is read again. It is as long as a slow commit may take.
        between_marks: how often the position in the log is noted: reading again from a little too
            early is cheaper than remembering every tick.
        retry_launch: a promised retry that has not been launched by then will not come.
        retry_start: a retry that was launched and has not started by then, for example because it
            waits in the queue, does not count.
        dead_tick: a tick that has not ended by then was killed.
        between_entries: the shortest time between two entries about repeats.
        good_news: good news never ends, so after this time it begins a new message.
        patience: how long a service that does not answer is asked who has acknowledged a message,
            before people are called anyway.
        between_asks: how often a service is asked who has acknowledged a message, as long as nobody
            has.
        asking: how long a pass asks; the messages of the pass are sent after that.
        heartbeat: how long a heartbeat may delay the pass.
        between_prunings: how often old incidents are deleted.
        clock: measures ``collecting`` and ``sending``.
    """

    collecting: float = 20.0
    sending: float = 20.0
    pace: float = 1.0
    quiet: float = 30.0
    claim: float = 60.0
    longest_pause: float = 60.0
    overlap: float = 60.0
    between_marks: float = 10.0
    retry_launch: float = 300.0
    retry_start: float = 3600.0
    dead_tick: float = 600.0
    between_entries: float = 20 * 60.0
    good_news: float = 3600.0
    patience: float = 300.0
    between_asks: float = 45.0
    asking: float = 5.0
    heartbeat: float = 2.0
    between_prunings: float = 3600.0
    clock: Clock = field(default_factory=Clock)


TIMING = Timing()
