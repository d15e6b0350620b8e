"""The exclusive right to write a warehouse for the duration of a run.

DuckDB's own lock covers one open connection. A run opens several, one after the other and in dbt's
process, and a second run between two of them would mix its rows with those of the first.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_lib.private_files import keep_files_private
from shared_lib.warehouse.connection import WarehouseBusyError

_POLL_SECONDS = 0.2


@contextmanager
def writing_lease(
    path: Path,
    *,
    holder: str,
    wait_seconds: float,
    on_wait: Callable[[str], None],
) -> Iterator[None]:
    """Hold the lease on the warehouse file ``path`` while the body runs.

    The kernel releases the lock when the process dies, whatever the cause.

    Args:
        path: the warehouse file; the lease is a file next to it.
        holder: the name of the writer, shown to those that wait.
        wait_seconds: how long to wait for the current holder.
        on_wait: called once with the holder when waiting starts.

    Raises:
        WarehouseBusyError: the lease is still held after ``wait_seconds``; names the holder.
    """
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.with_suffix(".lease").open("a+", encoding="utf-8") as lease:
        deadline = time.monotonic() + wait_seconds
        announced = False
        while not _locked(lease.fileno()):
            lease.seek(0)
            present = lease.read().strip() or "a run that is just starting"
            if time.monotonic() >= deadline:
                message = (
                    f"{path} is being written by {present}, still after {wait_seconds:g} s: "
                    "let that run finish or stop it, then run again"
                )
                raise WarehouseBusyError(message)
            if not announced:
                on_wait(f"waiting up to {wait_seconds:g} s for {present} to finish with {path}")
                announced = True
            time.sleep(_POLL_SECONDS)
        lease.truncate(0)
        lease.write(f"{holder} (process {os.getpid()})")
        lease.flush()
        try:
            yield
        finally:
            lease.truncate(0)


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
