"""Runs of the simulation as people start them, and ways to disturb them while they go on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from sandboxes.waiting import PATIENCE_SECONDS, wait_until

# A run takes 15 s on two idle cores. A wait that is longer than this will not end.

_COMMAND = ("-m", "simulation.run")
_HALTING_COMMAND = Path(__file__).with_name("halting_run.py")


@dataclass(frozen=True)
class Ended:
    """How a command ended: its status, what it printed, and the progress on standard error."""

    status: int
    output: str
    progress: str


class Launched:
    """The command line in a process group of its own, whose progress is read as it goes on."""

    def __init__(self, *arguments: str, directory: Path, halts_in: int | None = None) -> None:
        """Start it.

        Args:
            arguments: of the command.
            directory: takes what it prints.
            halts_in: the year in whose batch it stops itself.
        """
        self._output = directory / f"output-{time.monotonic_ns()}.txt"
        self._progress = self._output.with_name(self._output.name.replace("output", "progress"))
        command = _COMMAND if halts_in is None else (str(_HALTING_COMMAND), str(halts_in))
        with self._output.open("w") as output, self._progress.open("w") as progress:
            self.process = subprocess.Popen(
                [sys.executable, *command, *arguments],
                stdout=output,
                stderr=progress,
                start_new_session=True,
            )

    def ended(self) -> Ended:
        """Wait for its end."""
        status = self.process.wait(PATIENCE_SECONDS)
        return Ended(status, self._output.read_text(), self.progress)

    @property
    def progress(self) -> str:
        """What it has printed so far."""
        return self._progress.read_text()

    def until_it_says(self, text: str) -> None:
        """Wait until ``text`` is part of its progress."""

        def says() -> bool:
            has_ended = self.process.poll() is not None
            is_printed = text in self.progress
            assert is_printed or not has_ended, f"it ended without {text!r}: {self.progress}"
            return is_printed

        wait_until(says, seconds=PATIENCE_SECONDS, pause_seconds=0.02)

    def until_it_has_said(self, lines: int) -> None:
        """Wait until its progress has so many lines, or it has ended."""

        def has_said() -> bool:
            return self.process.poll() is not None or self.progress.count("\n") >= lines

        wait_until(has_said, seconds=PATIENCE_SECONDS, pause_seconds=0.02)

    def halted(self) -> psutil.Process:
        """Wait until it has stopped itself, as ``halts_in`` says."""
        process = psutil.Process(self.process.pid)

        def is_halted() -> bool:
            assert self.process.poll() is None, f"it ended and did not stop: {self.progress}"
            return process.status() == psutil.STATUS_STOPPED

        wait_until(is_halted, seconds=PATIENCE_SECONDS, pause_seconds=0.02)
        return process

    def kill_all(self) -> None:
        """SIGKILL to it and all that it has started."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def processes(self) -> list[psutil.Process]:
        """What is alive of it and of all that it has started."""
        return [
            process
            for process in psutil.process_iter()
            if _group(process) == self.process.pid and is_alive(process)
        ]


def is_alive(process: psutil.Process) -> bool:
    """Whether it still does something: one that nobody has asked after is in the list, but not."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _group(process: psutil.Process) -> int | None:
    try:
        return os.getpgid(process.pid)
    except ProcessLookupError:
        return None


def run_to_its_end(*arguments: str, directory: Path) -> Ended:
    """The command line with ``arguments``."""
    return Launched(*arguments, directory=directory).ended()


@contextmanager
def instance() -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of the platform."""
    with dg.DagsterInstance.from_config(os.environ["DAGSTER_HOME"]) as found:
        yield found


def run_job(
    job: str,
    *,
    scenario: str = "baseline",
    year: int | None = None,
    years: range | None = None,
    tags: Mapping[str, str] | None = None,
    request: Mapping[str, Any] | None = None,
    wait_seconds: float = 60,
) -> dg.ExecuteInProcessResult:
    """Run a job of the location in this process, as the UI would, for a year or several."""
    from simulation.config.partitions import partition_key
    from simulation.definitions import defs
    from simulation.state.partitions import range_tags

    with instance() as found:
        return defs.resolve_job_def(job).execute_in_process(
            run_config={
                "ops": {"simulation_config": {"config": dict(request or {})}},
                "resources": {
                    "warehouse": {
                        "config": {"location": "simulation", "wait_seconds": wait_seconds}
                    }
                },
            },
            instance=found,
            partition_key=partition_key(scenario, year) if year else None,
            tags=range_tags(scenario, years) if years else dict(tags or {}),
            raise_on_error=False,
        )


def reasons(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """The innermost error of each step that failed of its own."""
    found = {}
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            found[str(event.step_key)] = error.message if error else ""
    return found
