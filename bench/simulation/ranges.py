"""Many seeds of five years in one command, beside the job that computes the years once."""

import sys
from dataclasses import dataclass
from pathlib import Path

from bench.figures.measuring import measure
from bench.simulation.years import YEARS, write_census
from shared_lib.configuration.environment import REPOSITORY_ROOT

# employees, and how many runs of them
ENSEMBLES = ((10_000, 100), (100_000, 10))


@dataclass(frozen=True)
class EnsembleFigures:
    """Ranges over many seeds, in seconds and bytes; the job computes the years once."""

    employees: int
    runs: int
    job_cpu_seconds: float
    ranges_cpu_seconds: float
    ranges_wall_seconds: float
    ranges_peak_bytes: int


def measure_ranges(employees: int, runs: int, *, scratch: Path) -> EnsembleFigures:
    """Measure ``runs`` seeds of ``employees`` generated employees, after one job on a fresh file.

    What dbt and Python take to start is part of both.
    """
    environment = {
        "PLATFORM_DATA_DIRECTORY": str(scratch / "data"),
        "DAGSTER_HOME": str(scratch / "dagster"),
        "DBT_TARGET_PATH": str(scratch / "parsed"),
    }
    census = scratch / "census.parquet"
    write_census(census, employees)
    job = measure(
        [
            sys.executable,
            *("-m", "simulation.run", "--census", census),
            *("--years", f"{YEARS[0]}-{YEARS[1]}"),
        ],
        environment=environment,
        directory=REPOSITORY_ROOT,
    )
    ranges = measure(
        [sys.executable, *("-m", "simulation.ranges", "baseline", "--seeds", str(runs))],
        environment=environment,
        directory=REPOSITORY_ROOT,
    )
    return EnsembleFigures(
        employees=employees,
        runs=runs,
        job_cpu_seconds=job.cpu_seconds,
        ranges_cpu_seconds=ranges.cpu_seconds,
        ranges_wall_seconds=ranges.wall_seconds,
        ranges_peak_bytes=ranges.peak_bytes,
    )
