"""``make bench``: measure, print a table and write ``bench/results.json``."""

import argparse
import json
import os
import platform
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.loading import Loading, measure_loading
from bench.simulation import Figures, as_json, measure_simulation

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESULTS = Path(__file__).with_name("results.json")
_GIB = 1024**3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=lambda text: tuple(int(size) for size in text.split(",")),
        default=SIZES,
        help="employees of the generated censuses, with commas between",
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each size")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of loads and imports")
    asked = parser.parse_args(arguments)
    progress = Console(stderr=True)
    figures: list[Figures] = []
    for employees in asked.sizes:
        for attempt in range(asked.repeat):
            progress.print(f"simulating {employees:,} employees, run {attempt + 1}")
            with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
                figures.append(measure_simulation(employees, scratch=Path(scratch)))
    progress.print("loading the locations")
    loading = measure_loading(pairs=asked.pairs)
    console = Console(width=140 if not sys.stdout.isatty() else None)
    console.print(_simulation_table(figures))
    console.print(_loading_table(loading))
    RESULTS.write_text(
        json.dumps(
            {
                "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
                "simulation": [as_json(entry) for entry in figures],
                "loading": [asdict(entry) for entry in loading],
            },
            indent=2,
        ),
        encoding="utf-8",
    )
    console.print(f"written to {RESULTS}")
    return 0


def _simulation_table(figures: Sequence[Figures]) -> Table:
    table = Table(title="Five years, each part in a fresh process (peak: largest process)")
    for heading in (
        "employees",
        *("SQL cpu s", "wall s", "peak GiB"),
        *("dbt cpu s", "wall s", "peak GiB"),
        *("job cpu s", "wall s", "peak GiB", "job - dbt wall s"),
    ):
        table.add_column(heading, justify="right")
    for entry in figures:
        table.add_row(
            f"{entry.employees:,}",
            f"{entry.sql_cpu_seconds:.2f}",
            f"{entry.sql_wall_seconds:.2f}",
            f"{entry.sql_peak_bytes / _GIB:.2f}",
            f"{entry.dbt_cpu_seconds:.2f}",
            f"{entry.dbt_wall_seconds:.2f}",
            f"{entry.dbt_peak_bytes / _GIB:.2f}",
            f"{entry.job_cpu_seconds:.2f}",
            f"{entry.job_wall_seconds:.2f}",
            f"{entry.job_peak_bytes / _GIB:.2f}",
            f"{entry.job_wall_seconds - entry.dbt_wall_seconds:.2f}",
        )
    return table


def _loading_table(loading: Sequence[Loading]) -> Table:
    table = Table(title="Loading a location against importing the libraries it needs")
    for heading in ("location", "load cpu s", "libraries cpu s", "ratio"):
        table.add_column(heading, justify="left" if heading == "location" else "right")
    for entry in loading:
        table.add_row(
            entry.location,
            f"{entry.load_cpu_seconds:.2f}",
            f"{entry.libraries_cpu_seconds:.2f}",
            f"{entry.ratio:.2f}",
        )
    return table


if __name__ == "__main__":
    sys.exit(main())
