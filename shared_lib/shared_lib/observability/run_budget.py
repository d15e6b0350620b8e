"""What a run may still give to what observes it: 2 s in all, over all of its processes.

Waiting counts, and so does the processor time of the threads that send, which Python takes from
the run.

What has been spent is kept in a file for each run in the temporary directory, because the steps
of a run may be processes of their own. Where they are on several machines, each machine has its
own 2 s.
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

SECONDS_FOR_A_RUN = 2.0

# Kept back for what surrounds the waiting: handing over, and telling what was not sent.
_RESERVE_SECONDS = 0.4
_KEEP_SECONDS = 24 * 3600
# Too short to be worth a file.
_NEGLIGIBLE_SECONDS = 0.02


class WaitingAllowance:
    """The waiting time of one run.

    Two steps that wait at the same time both count, so that a run may be given less than 2 s,
    never more.
    """

    def __init__(self, run_id: str) -> None:
        """For the run ``run_id``, whose file is made when there is something to keep."""
        self._path = _directory() / run_id

    def remaining(self) -> float:
        """Seconds that the run may still wait."""
        if not self._path.exists():
            return SECONDS_FOR_A_RUN - _RESERVE_SECONDS
        with self._kept() as kept:
            return max(0.0, SECONDS_FOR_A_RUN - _RESERVE_SECONDS - kept["spent"])

    def spend(self, seconds: float) -> None:
        """Count what the run has given."""
        if seconds > _NEGLIGIBLE_SECONDS:
            with self._kept() as kept:
                kept["spent"] += seconds

    def is_first_to_say(self) -> bool:
        """Whether nobody has yet said for this run that something was not sent."""
        with self._kept() as kept:
            was_said, kept["said"] = kept["said"], True
            return not was_said

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
    return json.loads(text) if text else {"spent": 0.0, "said": False}


def _remove_old(directory: Path) -> None:
    """Runs that were killed never said that they had ended."""
    oldest = time.time() - _KEEP_SECONDS
    for path in directory.iterdir():
        try:
            if path.stat().st_mtime < oldest:
                path.unlink()
        except FileNotFoundError:
            continue  # another process was faster
