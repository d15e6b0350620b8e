"""The cost of a first sync of a million bank transactions, and of the next day's."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from bench.gocardless.server import ACCOUNTS, ACCOUNTS_OF_A_CONNECTION, LATENCY_SECONDS
from shared_lib.configuration.environment import REPOSITORY_ROOT

CONCURRENCY = 4  # the default of the run configuration
_PAGE = 100
_KIB = 1024


@dataclass(frozen=True)
class BankDataCost:
    """A first sync of 1,000 accounts with 1,000 transactions each, and a day with 2 % new.

    The sandbox responds after 50 ms, in a separate process that is not counted. CPU seconds are
    those of the syncing process; those of loading include the HTTP requests. Both of the machine's
    cores are busy, which slows each of them if they are halves of one physical core.

    Attributes:
        transactions: rows in the unified table at the end.
        load_cpu_seconds: to load from the API into the raw tables, the first time.
        http_cpu_seconds: the part of these spent on HTTP requests.
        sync_cpu_seconds: to sync from there into the unified tables.
        peak_bytes: peak resident memory of the whole process.
        nothing_new_sync_seconds: to sync when there is no new response.
        unchanged_sync_seconds: to sync when all accounts responded again, with nothing new.
        daily_load_cpu_seconds: to load the next day.
        daily_sync_cpu_seconds: to sync the next day.
        first_calls: API calls of the first job, and the fewest possible.
        daily_calls: the same for the next day's job.
        first_wall_seconds: of the first job's steps, and the minimum that the latency allows.
        daily_wall_seconds: the same for the next day's job.
        load_wall_seconds: of the first load of transactions alone, and its minimum.
    """

    transactions: int
    load_cpu_seconds: float
    http_cpu_seconds: float
    sync_cpu_seconds: float
    peak_bytes: int
    nothing_new_sync_seconds: float
    unchanged_sync_seconds: float
    daily_load_cpu_seconds: float
    daily_sync_cpu_seconds: float
    first_calls: tuple[int, int]
    daily_calls: tuple[int, int]
    first_wall_seconds: tuple[float, float]
    daily_wall_seconds: tuple[float, float]
    load_wall_seconds: tuple[float, float]


def measure_bank_data() -> BankDataCost:
    """Start the sandbox and a process that syncs from it."""
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch, _program("server") as server:
        url = _line(server.stdout)
        with _program("run", url, str(Path(scratch) / "gocardless.duckdb")) as run:
            calls = []
            for _ in range(2):
                _line(run.stdout)
                calls.append(int(_calls(server)))
                _continue(run)
            result = _line(run.stdout)
            run.wait()
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * _KIB
        _close(server)
    if run.returncode:
        raise RuntimeError(f"the run that was to be measured ended with {run.returncode}")
    figures = json.loads(result)
    pages = -(-ACCOUNTS // ACCOUNTS_OF_A_CONNECTION // _PAGE)
    registers = 1 + 2 * pages  # institutions, agreements, requisitions
    # a token or its renewal; details are fetched only the first time
    least = (1 + registers + 4 * ACCOUNTS, 1 + registers + 3 * ACCOUNTS)
    return BankDataCost(
        transactions=figures["rows"],
        load_cpu_seconds=figures["first_load_cpu"],
        http_cpu_seconds=figures["first_http_cpu"],
        sync_cpu_seconds=figures["first_sync_cpu"],
        peak_bytes=peak,
        nothing_new_sync_seconds=figures["nothing_new_sync_wall"],
        unchanged_sync_seconds=figures["unchanged_sync_wall"],
        daily_load_cpu_seconds=figures["daily_load_cpu"],
        daily_sync_cpu_seconds=figures["daily_sync_cpu"],
        first_calls=(calls[0], least[0]),
        daily_calls=(calls[1], least[1]),
        first_wall_seconds=(_wall(figures, "first"), _bound(registers, 4 * ACCOUNTS)),
        daily_wall_seconds=(_wall(figures, "daily"), _bound(registers, 3 * ACCOUNTS)),
        load_wall_seconds=(figures["first_load_wall"], _bound(0, ACCOUNTS)),
    )


def _wall(figures: dict[str, float], job: str) -> float:
    parts = ("registers", "accounts", "load", "sync")
    return sum(figures[f"{job}_{part}_wall"] for part in parts)


def _bound(registers: int, calls: int) -> float:
    """Return the minimum seconds: lists page by page, accounts at the configured concurrency."""
    return LATENCY_SECONDS * (registers + calls / CONCURRENCY)


def _program(name: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", f"bench.gocardless.{name}", *arguments],
        cwd=REPOSITORY_ROOT,
        env={**os.environ, "DAGSTER_ENVIRONMENT": "ci"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _line(output: IO[str] | None) -> str:
    line = output.readline() if output else ""
    if not line:
        raise RuntimeError("a process that was to be measured ended; see what it wrote above")
    return line.strip()


def _continue(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.write("\n")
        process.stdin.flush()


def _calls(server: subprocess.Popen[str]) -> str:
    _continue(server)
    return _line(server.stdout)


def _close(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    process.wait()
