"""The CPU time of dbt's nodes, also of two that run at once."""

import time

import pytest

from shared_lib import stopwatch
from shared_lib.dbt.node_cpu import NodeCpu


def test_nodes_that_run_at_once_share_the_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    used = 100.0
    monkeypatch.setattr(stopwatch, "_cpu_seconds", lambda: used)
    cpu = NodeCpu()

    def after(seconds: float, kind: str, unique_id: str) -> None:
        nonlocal used
        used += seconds
        cpu.note(kind, unique_id)

    after(5.0, "NodeStart", "a")
    after(1.0, "NodeStart", "b")
    after(2.0, "NodeFinished", "a")
    # two batches of a model, within it
    after(3.0, "NodeStart", "b")
    after(4.0, "NodeFinished", "b")
    after(0.5, "LogModelResult", "b")
    after(0.0, "NodeFinished", "b")
    used += 3.0
    found = cpu.shares(["a", "b"])
    own_a, own_b = 1.0 + 1.0, 1.0 + 3.0 + 4.0 + 0.5
    assert sum(found.values()) == pytest.approx(18.5)
    assert found["a"] - found["b"] == pytest.approx(own_a - own_b)
    assert cpu.shares([]) == {}


def test_a_node_has_the_cpu_time_of_the_process() -> None:
    cpu = NodeCpu()
    cpu.note("NodeStart", "a")
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    cpu.note("NodeFinished", "a")
    cpu.note("NodeStart", "b")
    cpu.note("NodeFinished", "b")
    found = cpu.shares(["a", "b"])
    assert found["a"] - found["b"] >= 0.09
