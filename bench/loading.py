"""What loading a location's definitions costs beside importing the libraries it needs."""

import statistics
import sys
from dataclasses import dataclass

from bench.measuring import measure
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.definitions_check import workspace_modules

# The Dagster libraries whose import each location cannot do without.
LIBRARIES = {
    "simulation": "dagster, dagster_dbt",
    "gocardless": "dagster",
    "orchestration_platform": "dagster",
}


@dataclass(frozen=True)
class Loading:
    """CPU seconds of a fresh process, and their ratio taken pair by pair (median)."""

    location: str
    load_cpu_seconds: float
    libraries_cpu_seconds: float
    ratio: float


def measure_loading(*, pairs: int) -> list[Loading]:
    """Load each location and import its libraries in turn, ``pairs`` times."""
    measured = []
    for location, module in workspace_modules().items():
        loads, imports = [], []
        for _ in range(pairs + 1):
            imports.append(_cpu(f"import {LIBRARIES[location]}"))
            loads.append(_cpu(f"from {module} import defs; defs.get_repository_def()"))
        # the first pair warms the file cache
        ratios = [load / base for load, base in zip(loads[1:], imports[1:], strict=True)]
        measured.append(
            Loading(
                location=location,
                load_cpu_seconds=statistics.median(loads[1:]),
                libraries_cpu_seconds=statistics.median(imports[1:]),
                ratio=statistics.median(ratios),
            )
        )
    return measured


def _cpu(program: str) -> float:
    cost = measure([sys.executable, "-c", program], environment={}, directory=REPOSITORY_ROOT)
    return cost.cpu_seconds
