"""Many accounts asked at once, each answer handed on as it comes."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TypeVar

from gocardless.api.errors import ApiError, AuthenticationFailedError, IpDeniedError

Item = TypeVar("Item")
Result = TypeVar("Result")

# What is wrong with the platform, not with an account.
_FATAL = (AuthenticationFailedError, IpDeniedError)


def fetch_concurrently(
    items: Sequence[Item], ask: Callable[[Item], Result], *, concurrency: int
) -> Iterator[tuple[Item, Result | ApiError]]:
    """Ask for each item, ``concurrency`` at a time; yields item and answer, or the API's error.

    Raises:
        ApiError: the API accepts no call at all from here.
    """
    with ThreadPoolExecutor(concurrency, thread_name_prefix="bank_data") as threads:
        asked = {threads.submit(ask, item): item for item in items}
        try:
            for future in as_completed(asked):
                try:
                    outcome = future.result()
                except _FATAL:
                    raise
                except ApiError as error:
                    outcome = error
                yield asked.pop(future), outcome
        finally:
            # of those that have not begun, none shall, when the caller stops
            for future in asked:
                future.cancel()
