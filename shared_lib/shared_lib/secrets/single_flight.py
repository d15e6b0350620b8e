"""One thread does what many wait for, and all get the result."""

import copy
import threading
import time
from collections.abc import Callable

from shared_lib.secrets.errors import SecretError


class SingleFlight:
    """Allow one thread at a time to attempt an action.

    Threads that waited while it failed get its error: fifty threads that each tried for ten seconds
    in turn would delay a run for minutes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_at = float("-inf")
        self._failure: SecretError | None = None

    def attempt(self, action: Callable[[], None], *, unless: Callable[[], bool]) -> None:
        """Do ``action``, unless ``unless`` returns true when it is this thread's turn.

        Raises:
            SecretError: the error of the action, or of the thread that this one waited for.
        """
        asked = time.monotonic()
        with self._lock:
            if unless():
                return
            if self._failure is not None and self._failed_at >= asked:
                raise copy.copy(self._failure)
            try:
                action()
            except SecretError as error:
                self._failure, self._failed_at = error, time.monotonic()
                raise
