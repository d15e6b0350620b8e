"""Many accounts asked at once, their answers handed on in batches that are short in time."""

import queue
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from gocardless.bank_api.errors import ApiError, AuthenticationFailedError, IpDeniedError

Item = TypeVar("Item")
Result = TypeVar("Result")

Outcome = list[tuple[Item, Result | ApiError]]
"""Items with their answers, or with the API's errors."""

# What is wrong with the platform, not with an account.
FATAL = (AuthenticationFailedError, IpDeniedError)


@dataclass(frozen=True)
class Batching:
    """How long answers are collected until they are handed on together.

    It is short, so that little is left to the next run when the process is killed, and large
    enough to be written well.

    Attributes:
        seconds: how long the first answer of a batch waits for others.
        answers: the largest batch; twice this number is requested ahead. With a thousand entries
            each, a batch stays below DuckDB's row group of 122,880 rows, beyond which it is written
            twice.
    """

    seconds: float = 2.0
    answers: int = 100


def fetch_concurrently(
    items: Sequence[Item],
    ask: Callable[[Item], Result],
    *,
    concurrency: int,
    batching: Batching | None = None,
) -> Iterator[Outcome[Item, Result]]:
    """Ask for each item, ``concurrency`` at a time, also while a batch is being written.

    Raises:
        ApiError: the API accepts no call at all from here; what came before was handed on.
    """
    batching = batching or Batching()
    with ThreadPoolExecutor(concurrency, thread_name_prefix="bank_data") as threads:
        under_way = _UnderWay(items, ask, threads, most=2 * batching.answers)
        try:
            while batch := under_way.next_batch(batching):
                answered = [(item, answer) for item, answer in batch if not _is_fatal(answer)]
                if answered:
                    yield answered
                for _, answer in batch:
                    if isinstance(answer, FATAL):
                        raise answer
        finally:
            # of those that have not begun, none shall, when the caller stops
            under_way.cancel()


def _is_fatal(answer: object) -> bool:
    return isinstance(answer, FATAL)


class _UnderWay(Generic[Item, Result]):
    """What has been asked and not been handed on, a bounded number at a time."""

    def __init__(
        self,
        items: Sequence[Item],
        ask: Callable[[Item], Result],
        threads: ThreadPoolExecutor,
        *,
        most: int,
    ) -> None:
        self._waiting, self._ask, self._threads, self._most = iter(items), ask, threads, most
        self._asked: dict[Future[Result], Item] = {}
        self._done: queue.SimpleQueue[Future[Result]] = queue.SimpleQueue()

    def next_batch(self, batching: Batching) -> Outcome[Item, Result]:
        """What has been answered; waits for the first, and some time for more. Empty at the end."""
        self._ask_ahead()
        batch: Outcome[Item, Result] = []
        deadline = None
        while self._asked and len(batch) < batching.answers:
            wait = None if deadline is None else max(deadline - time.monotonic(), 0)
            try:
                future = self._done.get(timeout=wait)
            except queue.Empty:
                break
            deadline = deadline or time.monotonic() + batching.seconds
            batch.append((self._asked.pop(future), _answer(future)))
            self._ask_ahead()
        return batch

    def cancel(self) -> None:
        """Drop what has not begun."""
        for future in self._asked:
            future.cancel()

    def _ask_ahead(self) -> None:
        while len(self._asked) < self._most:
            try:
                item = next(self._waiting)
            except StopIteration:
                return
            future = self._threads.submit(self._ask, item)
            self._asked[future] = item
            future.add_done_callback(self._done.put)


def _answer(future: Future[Result]) -> Result | ApiError:
    try:
        return future.result()
    except ApiError as error:
        return error
