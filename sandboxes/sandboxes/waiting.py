"""Waiting for what another process or thread does."""

import time
from collections.abc import Callable
from typing import Any

# How long a test waits for what takes seconds on an idle machine.
PATIENCE_SECONDS = 900.0


def wait_until(
    is_so: Callable[[], Any],
    *,
    seconds: float = PATIENCE_SECONDS,
    why_not: Callable[[], object] = str,
    pause_seconds: float = 0.1,
) -> None:
    """Return as soon as ``is_so``.

    Args:
        is_so: asked again and again; an assertion in it ends the wait.
        seconds: how long it may take.
        why_not: returns what to show if it takes longer, such as a log.
        pause_seconds: between two questions.

    Raises:
        AssertionError: it took longer.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:g} s in vain: {why_not()}")
        time.sleep(pause_seconds)
