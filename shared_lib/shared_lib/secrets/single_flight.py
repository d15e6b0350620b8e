"""One thread does what many wait for, and all of them get the outcome."""

import copy
import threading
import time
from collections.abc import Callable

from shared_lib.secrets.errors import SecretError


class SingleFlight:
    """Lets one thread at a time attempt something.

    Those that waited while it failed get its error: fifty threads that each tried for ten seconds
    in turn would keep a run waiting for minutes.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failed_at = float("-inf")
        self._failure: SecretError | None = None

    def attempt(self, action: Callable[[], None], *, unless: Callable[[], bool]) -> None:
        """Do ``action``, unless ``unless`` says, when it is this thread's turn, that it is done.

        Raises:
            SecretError: the action's own, or that of the thread that was waited for.
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
