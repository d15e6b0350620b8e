"""Time and memory of whole processes, by the operating system's own account."""

import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_KIB = 1024
_LAST_CHARACTERS = 3000


class MeasuredProcessError(RuntimeError):
    """A process that was to be measured failed; the text has the end of what it printed."""


@dataclass(frozen=True)
class Cost:
    """What a process and the processes that it started took.

    Attributes:
        wall_seconds: from start to end.
        cpu_seconds: user and system time, of its finished children too.
        peak_bytes: resident memory of the largest single process among them.
        output: what it printed to standard output.
    """

    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


def measure(
    command: Sequence[str | Path], *, environment: Mapping[str, str], directory: Path
) -> Cost:
    """Run ``command`` in a fresh process and account for it.

    Raises:
        MeasuredProcessError: it ended with another status than 0.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**os.environ, **environment},
            cwd=directory,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        raise MeasuredProcessError(
            f"{' '.join(map(str, command))} ended with {process.returncode}:\n"
            f"{text[-_LAST_CHARACTERS:]}"
        )
    return Cost(
        wall_seconds=wall,
        cpu_seconds=usage.ru_utime + usage.ru_stime,
        peak_bytes=usage.ru_maxrss * _KIB,
        output=text,
    )
