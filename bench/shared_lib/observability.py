"""The cost of reporting a small dbt build: with nothing configured, and with a dead endpoint.

``python -m bench.shared_lib.observability PAIRS`` prints the figures of one process as JSON. The
build is the shop of the integration tests: 4 models, a seed, a snapshot and 5 tests, some of which
fail.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import dagster as dg

from bench.figures.measuring import measure
from sandboxes.serving import never_answering, nobody_listening
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.dbt.lineage import write_column_lineage
from shared_lib.dbt.project import DBT_EXECUTABLE
from shared_lib.dbt_step.observed import ObservedBuild
from shared_lib.observability.observer import Observability
from shared_lib.observability.run_events import RunEventHandler

PROJECT = REPOSITORY_ROOT / "tests" / "integration" / "observability" / "dbt_project"
HANDLER = {"class": "shared_lib.observability.run_events.RunEventHandler"}


@dataclass(frozen=True)
class Observing:
    """Seconds of a run; ratios and differences are taken pair by pair (median).

    Attributes:
        pairs: how often each was run.
        without_seconds: without the handler, and with the build reported at the level of the job.
        unconfigured_ratio: wall time with everything in place but nothing configured, relative to
            without; equal runs differ by a tenth or more.
        unconfigured_share: the share of such a run spent in the handler and the build's connection.
        dead_extra_seconds: wall time that refused connections add to such a run.
        dead_most_waited_seconds: the longest that a run waited for one, by the clock.
        silent_extra_seconds: wall time that an endpoint that never responds adds.
        silent_most_waited_seconds: the longest that a run waited for it, by the clock.
    """

    pairs: int
    without_seconds: float
    unconfigured_ratio: float
    unconfigured_share: float
    dead_extra_seconds: float
    dead_most_waited_seconds: float
    silent_extra_seconds: float
    silent_most_waited_seconds: float


def measure_observability(*, pairs: int) -> Observing:
    """Measure each kind of run in turn, ``pairs`` times, in a separate process."""
    cost = measure(
        [sys.executable, "-m", "bench.shared_lib.observability", str(pairs)],
        environment={"DAGSTER_ENVIRONMENT": "ci", "PYTHONUNBUFFERED": "1"},
        directory=REPOSITORY_ROOT,
    )
    return Observing(**json.loads(cost.output.splitlines()[-1]))


def main(pairs: int) -> None:
    """Print the figures of ``pairs`` runs of each kind."""
    for name in list(os.environ):
        if name.startswith(("OTEL_", "OPENLINEAGE_")):
            del os.environ[name]
    with tempfile.TemporaryDirectory(prefix="bench-observability-") as scratch:
        _prepare(Path(scratch))
        with nobody_listening() as dead, never_answering() as silent:
            print(json.dumps(_figures(pairs, dead=dead, silent=silent)))


def _figures(pairs: int, *, dead: str, silent: str) -> dict[str, float]:
    kinds: dict[str, Callable[[], float]] = {
        "without": lambda: _run(is_observed=False),
        "unconfigured": lambda: _run(is_observed=True),
        "dead": lambda: _run(is_observed=True, endpoint=dead),
        "silent": lambda: _run(is_observed=True, endpoint=silent),
    }
    taken: dict[str, list[float]] = {kind: [] for kind in kinds}
    for turn in range(pairs + 1):
        # alternate the order, so that no kind always follows a slow one
        for kind in kinds if turn % 2 else reversed(list(kinds)):
            taken[kind].append(kinds[kind]())
    # the first run of each kind imports and warms up
    wall = {kind: times[1:] for kind, times in taken.items()}
    extra = {kind: _pairwise(wall[kind], wall["unconfigured"], _minus) for kind in kinds}
    return {
        "pairs": pairs,
        "without_seconds": statistics.median(wall["without"]),
        "unconfigured_ratio": statistics.median(
            _pairwise(wall["unconfigured"], wall["without"], _over)
        ),
        "unconfigured_share": statistics.median(
            within / seconds for within, seconds in (_time_asking() for _ in range(pairs))
        ),
        "dead_extra_seconds": statistics.median(extra["dead"]),
        "dead_most_waited_seconds": max(_time_waiting(dead) for _ in range(pairs)),
        "silent_extra_seconds": statistics.median(extra["silent"]),
        "silent_most_waited_seconds": max(_time_waiting(silent) for _ in range(pairs)),
    }


def _prepare(home: Path) -> None:
    project, data = home / "dbt_project", home / "data"
    shutil.copytree(PROJECT, project)
    data.mkdir()
    os.environ["PLATFORM_DATA_DIRECTORY"] = str(data)
    os.environ["DBT_TARGET_PATH"] = str(project / "target")
    subprocess.run(
        [DBT_EXECUTABLE, "--quiet", "parse", "--profiles-dir", project],
        cwd=project,
        env={**os.environ, "DBT_DUCKDB_PATH": str(data / "shop.duckdb")},
        check=True,
    )
    write_column_lineage({}, project / "target")


def _time_asking() -> tuple[float, float]:
    """Return the seconds spent finding that there is nothing to report, and those of the run."""
    clock = Clock()
    with (
        mock.patch.object(RunEventHandler, "handle", clock.around(RunEventHandler.handle)),
        mock.patch.object(ObservedBuild, "of_step", clock.around(ObservedBuild.of_step)),
    ):
        seconds = _run(is_observed=True)
    return clock.seconds, seconds


def _time_waiting(endpoint: str) -> float:
    """Return the seconds that a run waited for an endpoint."""
    clock = Clock()
    with mock.patch.object(Observability, "finish", clock.around(Observability.finish)):
        _run(is_observed=True, endpoint=endpoint)
    return clock.seconds


@dataclass
class Clock:
    """Adds up how long the functions that it wraps take."""

    seconds: float = 0.0

    def around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function``, timed."""

        def timed(*arguments: Any, **options: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **options)
            finally:
                self.seconds += time.perf_counter() - started

        return timed


def _run(*, is_observed: bool, endpoint: str | None = None) -> float:
    """Return the seconds of a run."""
    from tests.integration.observability.shop import definitions, raw_orders, shop_models

    job = definitions(raw_orders, shop_models(per_model=is_observed)).resolve_job_def("shop")
    logs = {
        "dagster_handler_config": {"handlers": {"observability": HANDLER} if is_observed else {}}
    }
    variables = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OPENLINEAGE_URL")
    os.environ.update(dict.fromkeys(variables, endpoint) if endpoint else {})
    with (
        tempfile.TemporaryDirectory() as directory,
        dg.DagsterInstance.local_temp(directory, overrides={"python_logs": logs}) as instance,
    ):
        started = time.perf_counter()
        job.execute_in_process(instance=instance, raise_on_error=False)
        taken = time.perf_counter() - started
    for name in variables:
        os.environ.pop(name, None)
    return taken


def _pairwise(
    left: list[float], right: list[float], compare: Callable[[float, float], float]
) -> list[float]:
    return [compare(one, other) for one, other in zip(left, right, strict=True)]


def _minus(left: float, right: float) -> float:
    return left - right


def _over(left: float, right: float) -> float:
    return left / right


if __name__ == "__main__":
    main(int(sys.argv[1]))
