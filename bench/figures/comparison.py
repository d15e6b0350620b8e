"""Today's figures beside those of another day."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

BASELINE = Path(__file__).parents[1] / "baseline.json"
# What a figure may have grown to, as a ratio. Less is noise on a machine that does other things.
TOLERANCE = 1.2

_COSTS = ("cpu_seconds", "peak_bytes")
# What does not depend on how fast the machine is: each figure beside what it cannot do without.
_RATIOS: Mapping[str, Mapping[str, Callable[[Any], float]]] = {
    "simulation": {
        "CPU, job to its SQL": lambda of: of["job_cpu_seconds"] / of["sql_cpu_seconds"],
        "CPU, job to its dbt command": lambda of: of["job_cpu_seconds"] / of["dbt_cpu_seconds"],
        "memory, job to its SQL": lambda of: of["job_peak_bytes"] / of["sql_peak_bytes"],
    },
    "ranges": {
        "CPU, one of many runs to a job": lambda of: (
            of["ranges_cpu_seconds"] / of["runs"] / of["job_cpu_seconds"]
        ),
    },
    "loading": {
        "CPU, load to imports": lambda of: of["ratio"],
        "memory, load to imports": lambda of: of["load_peak_bytes"] / of["libraries_peak_bytes"],
    },
    "discovery": {"CPU, YAML to Python": lambda of: of["ratio"]},
    "gocardless": {
        "CPU, load to its HTTP": lambda of: of["load_cpu_seconds"] / of["http_cpu_seconds"],
        "CPU, sync to load": lambda of: of["sync_cpu_seconds"] / of["load_cpu_seconds"],
        "CPU, next day's load to the first": (
            lambda of: of["daily_load_cpu_seconds"] / of["load_cpu_seconds"]
        ),
        "CPU, next day's sync to the first": (
            lambda of: of["daily_sync_cpu_seconds"] / of["sync_cpu_seconds"]
        ),
    },
}


@dataclass(frozen=True)
class Compared:
    """One figure of two days."""

    name: str
    before: float
    now: float

    @property
    def ratio(self) -> float:
        """How many times the former figure today's is."""
        return self.now / self.before

    @property
    def is_worse(self) -> bool:
        """Whether it has grown by more than what is noise."""
        return self.ratio > TOLERANCE


def costs(measured: Mapping[str, Any]) -> dict[str, float]:
    """CPU seconds and bytes of memory by name, of the ``measured`` entries of each part."""
    return _medians(
        (f"{title} {field.replace('_', ' ')}", entry[field])
        for _, title, entry in _entries(measured)
        for field in entry
        if field.endswith(_COSTS)
    )


def ratios(measured: Mapping[str, Any]) -> dict[str, float]:
    """What a machine's speed does not change, by name."""
    return _medians(
        (f"{title} {name}", ratio(entry))
        for part, title, entry in _entries(measured)
        for name, ratio in _RATIOS.get(part, {}).items()
    )


def compare(before: Mapping[str, float], now: Mapping[str, float]) -> list[Compared]:
    """The figures that both days have."""
    return [Compared(name, before[name], now[name]) for name in now if name in before]


def stored_figures(path: Path) -> dict[str, float]:
    """The figures of a results file, or of a baseline, which has only ratios.

    Raises:
        ValueError: it is not such a file.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {**stored.get("costs", {}), **stored["ratios"]}
    except (OSError, ValueError, LookupError, AttributeError, TypeError) as error:
        raise ValueError(f"{path} is not a file that `make bench` wrote: {error}") from error


def comparison_table(title: str, compared: Sequence[Compared]) -> Table:
    """A line for each figure; those that are worse are marked."""
    table = Table(title=title)
    table.add_column("figure")
    for heading in ("before", "now", "ratio", ""):
        table.add_column(heading, justify="right")
    for figure in compared:
        table.add_row(
            figure.name,
            f"{figure.before:,.2f}",
            f"{figure.now:,.2f}",
            f"{figure.ratio:.2f}",
            "worse" if figure.is_worse else "",
            style="bold red" if figure.is_worse else None,
        )
    return table


def _entries(measured: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    for part, entries in measured.items():
        for entry in entries:
            label = entry.get("location") or entry.get("employees")
            yield part, f"{part} {label}:" if label else f"{part}:", entry


def _medians(figures: Iterator[tuple[str, float]]) -> dict[str, float]:
    """Of each name, which has several figures where a part ran several times."""
    by_name = defaultdict(list)
    for name, figure in figures:
        by_name[name].append(figure)
    return {name: median(values) for name, values in by_name.items()}
