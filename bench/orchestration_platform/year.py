"""What a year of runs of the three locations leaves on disk when old runs are deleted daily."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import psycopg

from bench.orchestration_platform.alerts import postgres_instance, sqlite_instance
from bench.orchestration_platform.copied_runs import CopiedRun
from sandboxes.bank.bank import demonstration
from sandboxes.bank.server import sandbox_server
from shared_lib.configuration.environment import REPOSITORY_ROOT

# How often each job is run in production; the simulation on working days.
_HEALTH, _SIMULATION, _BANK = (
    "platform_health_job",
    "multi_year_simulation",
    "gocardless_sync_job",
)
_RUNS_A_DAY: Mapping[str, int] = {_HEALTH: 144, _SIMULATION: 1, _BANK: 1}
_COMMANDS = (
    ("dagster", "job", "execute", "-m", "orchestration_platform.definitions", "-j", _HEALTH),
    ("simulation.run", "--fresh"),
    ("dagster", "job", "execute", "-m", "gocardless.definitions", "-j", _BANK),
)
_FRIDAY = 4
_DAY = timedelta(days=1)
_MEASURED_EVERY_DAYS = 7


@dataclass(frozen=True)
class YearOfRuns:
    """A year of runs of the three locations, each night deleted as platform.yaml says.

    Attributes:
        database: where Dagster keeps them.
        days: how many were simulated.
        runs: how many runs were stored.
        left: how many of them are left at the end.
        size_megabytes: of the database and files at the end.
        largest_megabytes: the largest size of any week.
        night_cpu_seconds: CPU of this process for an average night's retention.
    """

    database: str
    days: int
    runs: int
    left: int
    size_megabytes: float
    largest_megabytes: float
    night_cpu_seconds: float


def measure_year(*, days: int = 365) -> list[YearOfRuns]:
    """Measure on SQLite and on Postgres."""
    with sqlite_instance() as instance:
        measured = [_measure(instance, "SQLite", days)]
    with postgres_instance() as instance:
        return [*measured, _measure(instance, "Postgres", days)]


def _measure(instance: dg.DagsterInstance, database: str, days: int) -> YearOfRuns:
    from orchestration_platform.housekeeping.retention import apply_retention
    from orchestration_platform.housekeeping.settings import load_settings

    copied = {job: CopiedRun(instance, run_id) for job, run_id in _executed(instance).items()}
    retention = load_settings().retention
    begin = datetime.now(UTC) - days * _DAY
    runs, cpu, largest = 0, 0.0, 0
    for number in range(days):
        day = begin + number * _DAY
        for job, count in _RUNS_A_DAY.items():
            if job == _SIMULATION and day.weekday() > _FRIDAY:
                continue
            runs += len(copied[job].store([day + _DAY * at / count for at in range(count)]))
        started = time.process_time()
        apply_retention(instance, retention, is_dry=False, now=(day + _DAY).timestamp())
        cpu += time.process_time() - started
        if number % _MEASURED_EVERY_DAYS == 0:
            largest = max(largest, _size(instance))
            print(f"day {number} of {days}: {largest / 1e6:.0f} MB", file=sys.stderr)
    size = _size(instance)
    left = instance.get_runs_count()
    return YearOfRuns(database, days, runs, left, size / 1e6, max(size, largest) / 1e6, cpu / days)


def _executed(instance: dg.DagsterInstance) -> dict[str, str]:
    """Execute each job; return the ids of the runs."""
    with tempfile.TemporaryDirectory() as data, sandbox_server(demonstration()) as bank:
        environment = {
            **os.environ,
            "DAGSTER_HOME": instance.root_directory,
            "DAGSTER_ENVIRONMENT": "ci",
            "PLATFORM_DATA_DIRECTORY": data,
            "GOCARDLESS_API_URL": bank.url,
            "GOCARDLESS_API__SECRET_ID": bank.state.secret_id,
            "GOCARDLESS_API__SECRET_KEY": bank.state.secret_key,
        }
        for command in _COMMANDS:
            # a check that fails ends a program with 1
            subprocess.run(
                [sys.executable, "-m", *command],
                env=environment, cwd=REPOSITORY_ROOT, capture_output=True, check=False,
            )  # fmt: skip
    found = {job: instance.get_runs(dg.RunsFilter(job_name=job), limit=1) for job in _RUNS_A_DAY}
    return {job: runs[0].run_id for job, runs in found.items()}


def _size(instance: dg.DagsterInstance) -> int:
    """Return the size of the files of the home, and of the database if it is elsewhere."""
    home = Path(instance.root_directory)
    files = sum(path.stat().st_blocks * 512 for path in home.rglob("*") if path.is_file())
    url = getattr(instance.run_storage, "postgres_url", None)
    if url is None:
        return files
    with psycopg.connect(url, autocommit=True) as connection:
        # as Postgres does by itself every day
        connection.execute("vacuum")
        row = connection.execute("select pg_database_size(current_database())").fetchone()
        return files + (row[0] if row else 0)
