"""Many runs at once: seeds and scenarios, each in a warehouse of its own in memory.

The statements are those of one dbt invocation, and each trial executes them all. So the rows of a
trial are those of a run of its own.
"""

import os
import threading
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import duckdb

from shared_lib.dbt.compiled import Statement, execute
from shared_lib.warehouse.connection import open_memory
from simulation.config.settings import ScenarioSettings
from simulation.scratch.warehouse import open_scratch

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One run: a scenario with complete settings, the seed among them."""

    scenario_id: str
    settings: ScenarioSettings


def run_trials(
    trials: Sequence[Trial],
    read: Callable[[duckdb.DuckDBPyConnection], T],
    *,
    workforce: Path,
    statements: Sequence[Statement],
    last_year: int,
) -> Generator[T]:
    """Simulate each trial and yield what ``read`` returns of its warehouse, in their order.

    One runs on each core. If the iterator is closed, or an error or Ctrl-C ends it, running trials
    end after their current statement, and no other starts.

    Args:
        trials: all with the same first year.
        read: reads a finished warehouse, in a thread of its own.
        workforce: see :func:`simulation.scratch.warehouse.copy_workforce`.
        statements: the compiled models, with a batch for each year.
        last_year: the last year to simulate.
    """
    is_ended = threading.Event()

    def run(trial: Trial) -> T:
        with open_memory() as connection:
            # the trials share the cores; sums do not depend on the number of threads
            connection.execute("set threads = 1")
            open_scratch(connection, trial.scenario_id, workforce, trial.settings, last_year)
            for statement in statements:
                if is_ended.is_set():
                    raise CancelledError
                execute(connection, [statement])
            return read(connection)

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        pending = [pool.submit(run, trial) for trial in trials]
        try:
            for future in pending:
                yield future.result()
        finally:
            is_ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
