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
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.figures.comparison import (
    BASELINE,
    TOLERANCE,
    compare,
    comparison_table,
    costs,
    ratios,
    stored_figures,
)
from bench.gocardless.sync import measure_bank_data
from bench.orchestration_platform.alerts import measure_alerts
from bench.orchestration_platform.board import measure_board
from bench.orchestration_platform.daemon_kills import measure_daemon_kills
from bench.orchestration_platform.year import measure_year
from bench.shared_lib.discovery import Discovered, measure_discovery
from bench.shared_lib.loading import Loading, measure_loading
from bench.shared_lib.observability import measure_observability
from bench.shared_lib.secrets import measure_secrets
from bench.simulation.ranges import ENSEMBLES, EnsembleFigures, measure_ranges
from bench.simulation.years import Figures, measure_simulation

SIZES = (1_000, 10_000, 100_000, 1_000_000)
RESULTS = Path(__file__).with_name("results.json")
_GIB = 1024**3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "--sizes",
        type=_sizes,
        default=SIZES,
        help="employees of the generated censuses, with commas between",
    )
    parser.add_argument("--repeat", type=int, default=1, help="runs of each size")
    parser.add_argument("--pairs", type=int, default=3, help="pairs of what is compared")
    parser.add_argument(
        "--parts",
        type=_parts,
        default=os.environ.get("ONLY") or [part for part in _PARTS if part not in _LONG],
        help=f"what to measure, of: {', '.join(_PARTS)}; all but {', '.join(_LONG)}, or $ONLY",
    )
    parser.add_argument(
        "--against",
        type=Path,
        default=os.environ.get("AGAINST") or None,
        metavar="FILE",
        help="results of another day: ends with 1 when CPU or memory grew by more than "
        f"{TOLERANCE - 1:.0%}%; or $AGAINST",
    )
    parser.add_argument(
        "--write-baseline", action="store_true", help=f"put today's ratios into {BASELINE.name}"
    )
    asked = parser.parse_args(arguments)
    console = Console(width=140 if not sys.stdout.isatty() else None)
    try:
        # before anything overwrites it
        before = stored_figures(asked.against) if asked.against else {}
        baseline = stored_figures(BASELINE)
    except ValueError as error:
        parser.error(str(error))
    measured: dict[str, Any] = {}
    for part in asked.parts:
        Console(stderr=True).print(f"measuring: {part}")
        figures = _PARTS[part](asked)
        measured[part] = [asdict(entry) for entry in figures]
        console.print(_TABLES.get(part, _table)(figures))
    now = {"costs": costs(measured), "ratios": ratios(measured)}
    machine = {"cores": os.cpu_count(), "python": platform.python_version()}
    _write(RESULTS, {"machine": machine, **measured, **now})
    console.print(f"written to {RESULTS}")
    if baseline_now := compare(baseline, now["ratios"]):
        console.print(comparison_table(f"Ratios of {BASELINE.name} and of today", baseline_now))
    if asked.write_baseline:
        _write(BASELINE, {"ratios": baseline | now["ratios"]})
    if not asked.against:
        return 0
    compared = compare(before, now["costs"] | now["ratios"])
    console.print(comparison_table(f"{asked.against} and today", compared))
    if not compared:
        parser.error(f"{asked.against} has none of the figures that were measured")
    return int(any(figure.is_worse for figure in compared))


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _sizes(text: str) -> tuple[int, ...]:
    sizes = text.split(",")
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise argparse.ArgumentTypeError(f"{text} is not a list of numbers such as 1000,10000")
    return tuple(map(int, sizes))


def _parts(text: str) -> list[str]:
    parts = text.split(",")
    for part in parts:
        if part not in _PARTS:
            allowed = ", ".join(_PARTS)
            raise argparse.ArgumentTypeError(f"{part!r} is not a part, allowed are: {allowed}")
    return parts


def _simulation(asked: argparse.Namespace) -> list[Figures]:
    measured = []
    for employees in asked.sizes:
        for attempt in range(asked.repeat):
            Console(stderr=True).print(f"  {employees:,} employees, run {attempt + 1}")
            with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
                measured.append(measure_simulation(employees, scratch=Path(scratch)))
    return measured


def _ranges(_: argparse.Namespace) -> list[EnsembleFigures]:
    measured = []
    for employees, runs in ENSEMBLES:
        Console(stderr=True).print(f"  {employees:,} employees, {runs} runs")
        with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
            measured.append(measure_ranges(employees, runs, scratch=Path(scratch)))
    return measured


def _loading(asked: argparse.Namespace) -> list[Loading]:
    return measure_loading(pairs=asked.pairs)


def _discovery(asked: argparse.Namespace) -> list[Discovered]:
    with tempfile.TemporaryDirectory(prefix="bench-") as scratch:
        return [measure_discovery(Path(scratch), pairs=asked.pairs)]


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


def _table(figures: Sequence[Any]) -> Table:
    """A line for each figure, for those who have but a few."""
    table = Table(title=(type(figures[0]).__doc__ or "").splitlines()[0])
    for heading in ("figure", *("" for _ in figures)):
        table.add_column(heading)
    for name in asdict(figures[0]):
        values = [getattr(entry, name) for entry in figures]
        shown = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]
        table.add_row(name.replace("_", " "), *shown)
    return table


_PARTS = {
    "simulation": _simulation,
    "ranges": _ranges,
    "loading": _loading,
    "discovery": _discovery,
    "secrets": lambda _: [measure_secrets()],
    "gocardless": lambda _: [measure_bank_data()],
    "alerts": lambda _: [measure_alerts()],
    "board": lambda _: [measure_board()],
    "daemon_kills": lambda _: [measure_daemon_kills()],
    "year": lambda _: measure_year(),
    "observability": lambda asked: [measure_observability(pairs=2 * asked.pairs)],
}
# Three quarters of an hour each, for what tests show a few times or of a few runs.
_LONG = ("daemon_kills", "year")
_TABLES = {"simulation": _simulation_table, "loading": _loading_table}


if __name__ == "__main__":
    sys.exit(main())
