"""Time and memory of whole processes, by the operating system's own account."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_ACCOUNTING = Path(__file__).with_name("accounting.py")
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
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        output, account = Path(scratch, "output"), Path(scratch, "account")
        with output.open("w", encoding="utf-8") as file:
            subprocess.run(
                [sys.executable, "-I", "-S", _ACCOUNTING, account, *map(str, command)],
                env={**os.environ, **environment},
                cwd=directory,
                stdout=file,
                stderr=subprocess.STDOUT,
                check=True,
            )
        text = output.read_text(encoding="utf-8")
        status, wall, cpu, peak = json.loads(account.read_text(encoding="utf-8"))
    if status != 0:
        raise MeasuredProcessError(
            f"{' '.join(map(str, command))} ended with {status}:\n{text[-_LAST_CHARACTERS:]}"
        )
    return Cost(wall_seconds=wall, cpu_seconds=cpu, peak_bytes=peak * _KIB, output=text)
