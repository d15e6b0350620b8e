"""Connections to a warehouse file, which wait for its writer and always close."""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from shared_lib.private_files import keep_files_private

# While a process writes a DuckDB file, no other may open it, not even to read. DuckDB names the
# program if it can see the process: for one in another container it reports only PID 0.
_LOCK_HELD = re.compile(r"Conflicting lock is held in (?:(?P<program>.+) )?\(?PID (?P<pid>\d+)\)?")
_POLL_SECONDS = 0.2

DEFAULT_WAIT_SECONDS = 60.0

# Memory that a writer keeps for its next blocks instead of returning it to the system. Allocating
# it again took a third of the CPU time of ingesting a million bank transactions. It reserves only
# addresses until used; memory beyond it comes from the system as before.
_KEPT_FOR_BLOCKS = "1GiB"


# From 1.5.1 to 1.5.5 this optimizer takes two parts of a statement for the same although they read
# different columns: wrong rows (duckdb issues 24624 and 25819), and now and then an internal error.
_FAULTY_OPTIMIZER = "common_subplan"


class WarehouseBusyError(RuntimeError):
    """Another process held the warehouse file for longer than the caller was ready to wait."""


class WarehouseMissingError(FileNotFoundError):
    """The warehouse file does not exist yet: no run has written it."""


@contextmanager
def write_warehouse(
    path: Path,
    *,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open ``path`` for writing; create it if it is missing.

    Args:
        path: the DuckDB file.
        wait_seconds: how long to wait for another process to release it.
        on_wait: called once, with the holder's name and process id, when waiting starts.

    Raises:
        WarehouseBusyError: the file was still held after ``wait_seconds``; names the holder.
    """
    keep_files_private()
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = _connect(path, read_only=False, wait_seconds=wait_seconds, on_wait=on_wait)
    try:
        connection.execute("set block_allocator_memory = ?", [_KEPT_FOR_BLOCKS])
        yield connection
    finally:
        connection.close()


@contextmanager
def read_warehouse(
    path: Path,
    *,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open ``path`` for reading only; several readers may do so at once.

    Raises:
        WarehouseMissingError: the file does not exist.
        WarehouseBusyError: a writer still held it after ``wait_seconds``; names the holder.
    """
    if not path.exists():
        message = f"{path} does not exist: nothing has been written to it yet"
        raise WarehouseMissingError(message)
    connection = _connect(path, read_only=True, wait_seconds=wait_seconds, on_wait=on_wait)
    try:
        yield connection
    finally:
        connection.close()


def _connect(
    path: Path,
    *,
    read_only: bool,
    wait_seconds: float,
    on_wait: Callable[[str], None] | None,
) -> duckdb.DuckDBPyConnection:
    deadline = time.monotonic() + wait_seconds
    announced = False
    while True:
        try:
            connection = duckdb.connect(str(path), read_only=read_only)
        except duckdb.IOException as error:
            held = _LOCK_HELD.search(str(error))
            if held is None:
                raise
            holder = _in_words(held)
            if time.monotonic() >= deadline:
                message = (
                    f"{path} is held by {holder}, still after {wait_seconds:g} s: "
                    "let that process finish or stop it, then run again"
                )
                # without a cause, so that code that shows the innermost error shows this one
                raise WarehouseBusyError(message) from None
            if on_wait is not None and not announced:
                on_wait(f"waiting up to {wait_seconds:g} s for {holder} to release {path}")
                announced = True
            time.sleep(_POLL_SECONDS)
        else:
            disable_faulty_optimizer(connection)
            return connection


def open_memory() -> duckdb.DuckDBPyConnection:
    """Open a database in memory, which ends with the connection."""
    connection = duckdb.connect()
    disable_faulty_optimizer(connection)
    return connection


def disable_faulty_optimizer(connection: duckdb.DuckDBPyConnection) -> None:
    """Let the statements of ``connection`` return right rows with this release of DuckDB."""
    connection.execute(f"set disabled_optimizers = '{_FAULTY_OPTIMIZER}'")


def _in_words(held: re.Match[str]) -> str:
    if held["pid"] == "0":
        return "a process outside this container or machine"
    return f"{held['program'] or 'a program'} (process {held['pid']})"
