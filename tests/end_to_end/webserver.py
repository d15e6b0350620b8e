"""The real ``make dev``, from its start to the end of its last process."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import requests

from sandboxes.ports import reserved_port
from sandboxes.waiting import PATIENCE_SECONDS, wait_until

REPOSITORY = Path(__file__).parents[2]

POLL_SECONDS = 0.5

# What Dagster says of itself on every start, whatever it is given to load.
TOLERATED = (
    # a new instance has no past to go on from
    "No cursor for event type DagsterEventType.RUN_",
)

_COLOUR = re.compile(r"\x1b\[\d*m")
# dbt sums up as WARN=0 ERROR=0
_COMPLAINT = re.compile(
    r"\b(WARNING|ERROR|CRITICAL)\b(?!=)|\b(WARN|ERROR)=[1-9]|[A-Za-z]Warning\b|^Traceback"
)

LOCATIONS = """
{ workspaceOrError {
    ... on Workspace { locationEntries {
        name loadStatus locationOrLoadError { __typename ... on PythonError { message } }
    } }
    ... on PythonError { message }
} }
"""


class DagsterDev:
    """A running ``make dev`` of this repository, with this process's environment.

    It leads a session of its own, so that everything it starts can be found and ended.
    """

    def __init__(self, log_path: Path, *also: str):
        """Start it on a free port, with the locations of further files; log to ``log_path``."""
        self.log_path = log_path
        port = reserved_port()
        self.url = f"http://127.0.0.1:{port}"
        with log_path.open("wb") as log, _interruptible_children():
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "orchestration_platform.web", "dev"),
                    *("--port", str(port), *(f"--also={path}" for path in also)),
                ],
                cwd=REPOSITORY,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        """Its first process, which has started the others."""
        return self._process.pid

    def wait_until_loaded(self, names: set[str]) -> None:
        """Return when the locations ``names`` are loaded, without error.

        Raises:
            AssertionError: one did not load, or they had not within ``PATIENCE_SECONDS``.
        """
        found: dict[str, str] = {}

        def why_not() -> str:
            return (
                f"{sorted(names)} should be loaded within {PATIENCE_SECONDS:g} s, found {found}; "
                f"the platform's output, all of it in {self.log_path}:\n{self.log_tail()}"
            )

        def are_loaded() -> bool:
            nonlocal found
            found = self._locations()
            assert self._process.poll() is None, why_not()
            assert "ERROR" not in found.values(), why_not()
            return set(found) == names and set(found.values()) == {"LOADED"}

        wait_until(
            are_loaded, seconds=PATIENCE_SECONDS, why_not=why_not, pause_seconds=POLL_SECONDS
        )

    def _locations(self) -> dict[str, str]:
        try:
            workspace = self.query(LOCATIONS)["workspaceOrError"]
        except (requests.ConnectionError, requests.Timeout):
            return {}  # not listening yet
        return {
            entry["name"]: "ERROR"
            if (entry["locationOrLoadError"] or {}).get("__typename") == "PythonError"
            else entry["loadStatus"]
            for entry in workspace["locationEntries"]
        }

    def query(self, query: str, **variables: Any) -> dict[str, Any]:
        """The ``data`` of a GraphQL query; an error in it fails the test."""
        response = requests.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables},
            timeout=PATIENCE_SECONDS,
        )
        response.raise_for_status()
        answer = response.json()
        assert "errors" not in answer, answer["errors"]
        return answer["data"]

    def complaints(self) -> list[str]:
        """The lines with a warning or an error so far, less those that are ``TOLERATED``."""
        return [
            line
            for line in map(self._plain, self._lines())
            if _COMPLAINT.search(line) and not any(known in line for known in TOLERATED)
        ]

    def log_tail(self, lines: int = 100) -> str:
        """The last ``lines`` that it printed."""
        return "\n".join(map(self._plain, self._lines()[-lines:]))

    def _lines(self) -> list[str]:
        return self.log_path.read_text(encoding="utf-8", errors="replace").splitlines()

    @staticmethod
    def _plain(line: str) -> str:
        return _COLOUR.sub("", line)

    def stop(self) -> list[str]:
        """Interrupt it as Ctrl-C would, and end it by force where that is not enough.

        Returns:
            The command lines that had to be ended by force.
        """
        _signal_group(self._process.pid, signal.SIGINT)
        with suppress(AssertionError):
            self._wait_for_the_end()
            return []
        stubborn = [" ".join(process.cmdline()) for process in self._members()]
        _signal_group(self._process.pid, signal.SIGKILL)
        self._wait_for_the_end()
        return stubborn

    def _wait_for_the_end(self) -> None:
        wait_until(
            lambda: not self._members(),
            seconds=PATIENCE_SECONDS,
            why_not=self._members,
            pause_seconds=POLL_SECONDS,
        )

    def _members(self) -> list[psutil.Process]:
        """The living processes of its session."""
        self._process.poll()  # a child that nobody waits for stays as a zombie
        return [process for process in psutil.process_iter() if _leads(process, self._process.pid)]


def _leads(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, psutil.NoSuchProcess):
        return False


def _signal_group(group: int, number: signal.Signals) -> None:
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        return  # it has ended by itself


@contextmanager
def _interruptible_children() -> Iterator[None]:
    """Let children hear SIGINT, which a shell's background jobs are born deaf to."""
    previous = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
