"""What a year of the three locations leaves on disk when old runs are deleted every night.

One run of each kind is executed. The nights store it again, as often as production runs it, and
apply retention as the nightly job does, with the shipped rules and the night's own time.
"""

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
from bench.orchestration_platform.beside_runs import BesideRuns
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
_MONTH_DAYS = 30


@dataclass(frozen=True)
class YearOfRuns:
    """A year of runs of the three locations, each night deleted as platform.yaml says.

    Attributes:
        database: where Dagster keeps them.
        days: how many were simulated.
        runs: how many runs were stored.
        left: how many of them are left at the end.
        months_megabytes: of database, logs and data after each month.
        largest_megabytes: the largest of them.
        runs_megabytes: at the end, of runs, events, ticks, logs, alerts and audit.
        reports_megabytes: at the end, of the simulation's reports.
        simulation_megabytes: of the simulation's warehouse.
        bank_megabytes: of the bank's warehouse with every answer, and of answers beside it.
        night_cpu_seconds: CPU of this process for an average night's retention.
    """

    database: str
    days: int
    runs: int
    left: int
    months_megabytes: tuple[int, ...]
    largest_megabytes: float
    runs_megabytes: float
    reports_megabytes: float
    simulation_megabytes: float
    bank_megabytes: float
    night_cpu_seconds: float


def measure_year(*, days: int = 365) -> list[YearOfRuns]:
    """Measure on SQLite and on Postgres."""
    with sqlite_instance() as instance:
        measured = [measure_nights(instance, "SQLite", days)]
    with postgres_instance() as instance:
        return [*measured, measure_nights(instance, "Postgres", days)]


def measure_nights(
    instance: dg.DagsterInstance,
    database: str,
    days: int,
    *,
    executed: Mapping[str, str] | None = None,
) -> YearOfRuns:
    """Store and delete the runs of so many nights.

    Args:
        instance: with nothing but what is executed.
        database: its name in the table.
        days: how many nights; the last one is the coming one.
        executed: a run of each job, if they were executed already.
    """
    from orchestration_platform.housekeeping.retention import apply_retention
    from orchestration_platform.housekeeping.settings import load_settings

    with tempfile.TemporaryDirectory() as data:
        runs_of = executed or _executed(instance, Path(data))
        copied = {job: CopiedRun(instance, run_id) for job, run_id in runs_of.items()}
        beside = BesideRuns(instance, Path(data))
        retention = load_settings().retention
        begin = datetime.now(UTC) - days * _DAY
        runs, cpu, months = 0, 0.0, []
        for number in range(days):
            day = begin + number * _DAY
            is_working_day = day.weekday() <= _FRIDAY
            for job, run in copied.items():
                count = _RUNS_A_DAY.get(job, 1)
                if job != _SIMULATION or is_working_day:
                    runs += len(run.store([day + _DAY * at / count for at in range(count)]))
            beside.store(day, has_report=_SIMULATION in copied and is_working_day)
            night = day + _DAY
            started = time.process_time()
            apply_retention(instance, retention, is_dry=False, now=night.timestamp())
            cpu += time.process_time() - started
            beside.delete(night)
            if number == days - 1 or number % _MONTH_DAYS == _MONTH_DAYS - 1:
                months.append(round((_size(instance) + _files(Path(data))) / 1e6))
                print(f"{database}, day {number + 1}: {months[-1]} MB", file=sys.stderr)
        return YearOfRuns(
            database=database,
            days=days,
            runs=runs,
            left=instance.get_runs_count(),
            months_megabytes=tuple(months),
            largest_megabytes=max(months),
            runs_megabytes=_size(instance) / 1e6,
            reports_megabytes=_files(Path(data, "reports")) / 1e6,
            simulation_megabytes=_files(Path(data), "simulation.duckdb*") / 1e6,
            bank_megabytes=_files(Path(data), "gocardless.duckdb*") / 1e6,
            night_cpu_seconds=cpu / days,
        )


def _executed(instance: dg.DagsterInstance, data: Path) -> dict[str, str]:
    """Execute each job; return the ids of the runs."""
    with sandbox_server(demonstration()) as bank:
        environment = {
            **os.environ,
            "DAGSTER_HOME": instance.root_directory,
            "DAGSTER_ENVIRONMENT": "ci",
            "PLATFORM_DATA_DIRECTORY": str(data),
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
    files = _files(Path(instance.root_directory))
    url = getattr(instance.run_storage, "postgres_url", None)
    if url is None:
        return files
    with psycopg.connect(url, autocommit=True) as connection:
        # as Postgres does by itself every day
        connection.execute("vacuum")
        row = connection.execute("select pg_database_size(current_database())").fetchone()
        return files + (row[0] if row else 0)


def _files(directory: Path, pattern: str = "*") -> int:
    return sum(p.stat().st_blocks * 512 for p in directory.rglob(pattern) if p.is_file())
