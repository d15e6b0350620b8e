"""What loading a location's definitions costs beside importing the libraries it needs."""

import sys
from dataclasses import dataclass
from statistics import median

from bench.figures.measuring import Cost, measure
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.definitions_check import workspace_modules
from shared_lib.discovery.dbt.sections import declared_models


@dataclass(frozen=True)
class Loading:
    """CPU seconds and memory of a fresh process (median).

    Attributes:
        location: its name.
        load_cpu_seconds: to load the definitions.
        libraries_cpu_seconds: to import the Dagster libraries that the location cannot do without.
        ratio: of these CPU seconds, taken pair by pair.
        load_peak_bytes: resident memory of the process that loads.
        libraries_peak_bytes: resident memory of the process that imports.
    """

    location: str
    load_cpu_seconds: float
    libraries_cpu_seconds: float
    ratio: float
    load_peak_bytes: float
    libraries_peak_bytes: float


def measure_loading(*, pairs: int) -> list[Loading]:
    """Load each location and import its libraries in turn, ``pairs`` times."""
    with_models = declared_models()
    measured = []
    for location, module in workspace_modules().items():
        libraries = "dagster, dagster_dbt" if location in with_models else "dagster"
        loads, imports = [], []
        for _ in range(pairs + 1):
            imports.append(_cost(f"import {libraries}"))
            loads.append(_cost(f"from {module} import defs; defs.get_repository_def()"))
        # the first pair warms the file cache
        loads, imports = loads[1:], imports[1:]
        ratios = [
            load.cpu_seconds / base.cpu_seconds for load, base in zip(loads, imports, strict=True)
        ]
        measured.append(
            Loading(
                location=location,
                load_cpu_seconds=median(cost.cpu_seconds for cost in loads),
                libraries_cpu_seconds=median(cost.cpu_seconds for cost in imports),
                ratio=median(ratios),
                load_peak_bytes=median(cost.peak_bytes for cost in loads),
                libraries_peak_bytes=median(cost.peak_bytes for cost in imports),
            )
        )
    return measured


def _cost(program: str) -> Cost:
    return measure([sys.executable, "-c", program], environment={}, directory=REPOSITORY_ROOT)
