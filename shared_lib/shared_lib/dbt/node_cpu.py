"""The CPU time that dbt's nodes take.

dbt records the time of a node by the clock alone. DuckDB works in threads of its own, so that the
thread in which dbt calls it does not show its CPU time either; that of the process does.
"""

import threading
from collections import Counter, defaultdict
from collections.abc import Collection, Mapping

from shared_lib.dbt.nodes import NODE_BEGINS, NODE_ENDS
from shared_lib.stopwatch import Stopwatch


class NodeCpu:
    """Divides the CPU time of the process among the nodes that dbt runs at a time.

    Of nodes that run at the same time, each has an equal share. For several threads.
    """

    def __init__(self) -> None:
        """Begin."""
        self._lock, self._all, self._stopwatch = threading.Lock(), Stopwatch(), Stopwatch()
        self._running: Counter[str] = Counter()
        self._seconds: dict[str, float] = defaultdict(float)

    def shares(self, unique_ids: Collection[str]) -> Mapping[str, float]:
        """Return for each of these nodes its seconds, and an equal share of all others until now.

        The others are the tests, the start of dbt, and what reads its results.
        """
        others = self._all.cpu_seconds - sum(self._seconds[one] for one in unique_ids)
        return {one: self._seconds[one] + others / len(unique_ids) for one in unique_ids}

    def note(self, kind: str, unique_id: str) -> None:
        """Take note of an event of dbt; called when it happens."""
        if kind not in (NODE_BEGINS, NODE_ENDS):
            return
        with self._lock:
            spent, self._stopwatch = self._stopwatch.cpu_seconds, Stopwatch()
            for running in self._running:
                self._seconds[running] += spent / len(self._running)
            # a batch of a model has events of the model's id, within those of the model
            self._running[unique_id] += 1 if kind == NODE_BEGINS else -1
            self._running = +self._running
