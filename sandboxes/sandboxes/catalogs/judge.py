"""A process with a vendor's models that finds what is wrong with a document."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

from sandboxes.catalogs.environments import vendor_environment


class Judge:
    """Passes documents to the process, one at a time."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        """Talk to ``process`` in lines of JSON."""
        self._process = process
        self._lock = Lock()

    def problems(self, document: Any) -> list[str]:
        """Return what is wrong with a document; nothing if the vendor's models accept it."""
        with self._lock:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(json.dumps(document) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@contextmanager
def judging(vendor: str) -> Iterator[Judge]:
    """Run the judge of a vendor while the body runs.

    Raises:
        VendorMissingError: its packages cannot be installed.
    """
    program = Path(__file__).with_name(f"{vendor}_models.py")
    command = [vendor_environment(vendor) / "python", "-I", program]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            yield Judge(process)
        finally:
            process.kill()
