"""The time that a run may still spend on observability, over all its processes.

Waiting counts, and so does the processor time of the sending threads, which Python takes from the
run.

The time spent is stored in a file for each run in the temporary directory, because the steps of a
run may be separate processes. If they run on several machines, each machine has its own budget.
"""

import fcntl
import json
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from shared_lib.observability.settings import seconds_for_a_run

# Reserved for the work around the waiting: queueing, and reporting what was not sent.
_RESERVED_SHARE = 0.2
_KEEP_SECONDS = 24 * 3600
# Too short to be worth a file.
_NEGLIGIBLE_SECONDS = 0.02


class WaitingAllowance:
    """The waiting time of one run.

    Two steps that wait at the same time both count, so that a run may spend less than
    its budget, never more.
    """

    def __init__(self, run_id: str) -> None:
        """Track the run ``run_id``, whose file is created when there is something to store."""
        self._path = _directory() / run_id

    def remaining(self) -> float:
        """Return the seconds that the run may still wait."""
        budget = seconds_for_a_run() * (1 - _RESERVED_SHARE)
        if not self._path.exists():
            return budget
        with self._kept() as kept:
            return max(0.0, budget - kept["spent"])

    def spend(self, seconds: float) -> None:
        """Count the seconds that the run has spent."""
        if seconds > _NEGLIGIBLE_SECONDS:
            with self._kept() as kept:
                kept["spent"] += seconds

    def is_first_complaint(self) -> bool:
        """Return whether this is the first report that something was not sent for this run."""
        with self._kept() as kept:
            has_complained, kept["complained"] = kept["complained"], True
            return not has_complained

    def forget(self) -> None:
        """Remove the file of a run that has ended."""
        self._path.unlink(missing_ok=True)

    @contextmanager
    def _kept(self) -> Iterator[dict[str, float]]:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _remove_old(self._path.parent)
        with self._path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX)
            kept = _read(file)
            yield kept
            file.seek(0)
            file.truncate()
            json.dump(kept, file)


def _directory() -> Path:
    return Path(tempfile.gettempdir()) / f"platform-observability-{os.getuid()}"


def _read(file: TextIO) -> dict[str, float]:
    file.seek(0)
    text = file.read()
    return json.loads(text) if text else {"spent": 0.0, "complained": False}


def _remove_old(directory: Path) -> None:
    """Remove old files: a run that was killed never removes its own."""
    oldest = time.time() - _KEEP_SECONDS
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue  # another process was faster
