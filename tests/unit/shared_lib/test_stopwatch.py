"""The time and the CPU time of a step, its threads and its child processes."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from shared_lib.stopwatch import Stopwatch

CPU_SECONDS = 0.2


def work() -> None:
    until = time.thread_time() + CPU_SECONDS
    while time.thread_time() < until:
        pass


def in_thread() -> None:
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()


def in_child() -> None:
    code = f"import time\nwhile time.process_time() < {CPU_SECONDS}: pass"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("spend", [work, in_thread, in_child])
def test_the_cpu_time_is_that_of_threads_and_children_too(spend: Callable[[], None]) -> None:
    stopwatch = Stopwatch()
    spend()
    assert stopwatch.cpu_seconds >= 0.9 * CPU_SECONDS
    assert stopwatch.seconds >= 0.9 * CPU_SECONDS


def test_waiting_takes_time_and_no_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    stopwatch, now = Stopwatch(), time.perf_counter()
    monkeypatch.setattr(time, "perf_counter", lambda: now + 60.0)
    assert stopwatch.seconds >= 60.0
    assert stopwatch.cpu_seconds < 10.0
