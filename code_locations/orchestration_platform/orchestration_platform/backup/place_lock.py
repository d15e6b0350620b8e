"""Lets one backup at a time be made at a place, from any machine."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from pydantic import AwareDatetime, ValidationError
from upath import UPath

from orchestration_platform.backup.errors import BackupError, at_place
from shared_lib.configuration.section import Section
from shared_lib.processes import is_alive, this_process

FILE_NAME = "backup.lock"

# Of a holder on another machine nobody can see whether it was killed.
_LONGEST = timedelta(hours=12)
_POLL_SECONDS = 1.0


class Holder(Section):
    """Who makes a backup: the contents of the file."""

    process: str
    since: AwareDatetime
    token: str

    def is_gone(self) -> bool:
        """Return whether the holder was killed, or takes longer than any backup."""
        return not is_alive(self.process) or datetime.now(UTC) - self.since > _LONGEST

    def __str__(self) -> str:
        """Return the holder for people."""
        host, pid, _ = self.process.rsplit(":", 2)
        return f"process {pid} on {host}, since {self.since:%Y-%m-%d %H:%M:%S} UTC"


@contextmanager
def holding_place(
    place: UPath, *, wait_seconds: float, on_wait: Callable[[str], None]
) -> Iterator[Callable[[], None]]:
    """Hold ``place`` while the body runs; yield a check that raises if another has taken it.

    A holder that was killed is followed at once on its own machine, and after half a day from
    another one.

    Args:
        place: where backups go; it is created.
        wait_seconds: how long to wait for the current holder.
        on_wait: called once with the holder when waiting starts.

    Raises:
        BackupError: the place is still held after ``wait_seconds``; names the holder.
    """
    with at_place(place):
        place.mkdir(parents=True, exist_ok=True)
    lock = place / FILE_NAME
    mine = Holder(process=this_process(), since=datetime.now(UTC), token=uuid4().hex)
    deadline = time.monotonic() + wait_seconds
    announced = False
    while not _created(lock, mine):
        present = _holder(lock)
        if present is not None and present.is_gone():
            # not one that has taken it in between
            if _holder(lock) == present:
                lock.unlink()
            continue
        name = present or "a process that is just starting"
        if time.monotonic() >= deadline:
            raise BackupError(
                f"{place} is in use: a backup is made there by {name}; wait for it, or remove "
                f"{lock} if that process is gone"
            )
        if not announced:
            on_wait(f"waiting up to {wait_seconds:g} s for the backup by {name}")
            announced = True
        time.sleep(_POLL_SECONDS)

    def check() -> None:
        present = _holder(lock)
        if present != mine:
            raise BackupError(f"{place} was taken by {present or 'somebody who removed the lock'}")

    try:
        yield check
    finally:
        if _holder(lock) == mine:
            lock.unlink()


def _created(lock: UPath, holder: Holder) -> bool:
    with at_place(lock), suppress(FileExistsError):
        # object stores refuse it when they are written to, files when they are opened
        with lock.open("xb") as file:
            file.write(holder.model_dump_json().encode())
        return True
    return False


def _holder(lock: UPath) -> Holder | None:
    """Return who holds the place; None if nobody does, or the name is just being written."""
    lock.fs.invalidate_cache()
    with at_place(lock), suppress(FileNotFoundError, ValidationError):
        return Holder.model_validate_json(lock.read_text(encoding="utf-8"))
    return None
