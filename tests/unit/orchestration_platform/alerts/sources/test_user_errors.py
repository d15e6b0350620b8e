"""The user's own error, out of the chain that Dagster stores."""

from dataclasses import dataclass

from orchestration_platform.alerts.facts.alert import Alert
from orchestration_platform.alerts.facts.user_errors import innermost

OURS = '  File "/srv/shop/jobs.py", line 7, in load\n    raise ValueError\n'
DAGSTERS = '  File "/venv/lib/python3.11/site-packages/dagster/_core/execute.py", line 1, in run\n'
LIBRARYS = '  File "/venv/lib/python3.11/site-packages/pandas/io.py", line 2, in read\n'


@dataclass
class Stored:
    """As Dagster stores an exception."""

    message: str
    cls_name: str | None = "ValueError"
    stack: tuple[str, ...] = (DAGSTERS, OURS, LIBRARYS)
    cause: "Stored | None" = None


def test_the_place_is_the_last_frame_of_user_code_and_the_trace_has_none_of_dagsters() -> None:
    wrapper = Stored(
        "dagster._core.errors.DagsterExecutionStepExecutionError: Error occurred\n",
        cls_name="DagsterExecutionStepExecutionError",
        stack=(DAGSTERS,),
        cause=Stored("ValueError: no rows\n"),
    )
    found = innermost(wrapper)
    assert (found.error_class, found.message) == ("ValueError", "no rows")
    assert found.place == "/srv/shop/jobs.py:7 in load"
    assert found.trace == f"{OURS}{LIBRARYS}ValueError: no rows"


def test_the_cause_comes_last_in_the_trace() -> None:
    outer = Stored("RuntimeError: no report\n", "RuntimeError", cause=Stored("ValueError: bad\n"))
    assert innermost(outer).trace.index("no report") < innermost(outer).trace.index("bad")


def test_of_a_very_long_trace_the_end_is_kept_and_the_lines_before_are_counted() -> None:
    frames = tuple(
        f'  File "/srv/shop/jobs.py", line {number}, in load\n    load({number})\n'
        for number in range(1_000)
    )
    trace = innermost(Stored("ValueError: deep\n", stack=frames)).trace
    first, *kept = trace.split("\n")
    whole = f"{''.join(frames)}ValueError: deep".split("\n")
    assert kept == whole[-len(kept) :]
    left_out = len(whole) - len(kept)
    assert first == f"... {left_out:,} lines before these, the run's log has them ..."
    assert 19_000 < len(trace) < 20_100


def test_an_error_without_a_text_has_no_message() -> None:
    name = "ChildProcessCrashException"
    stored = Stored(f"dagster._core.executor.{name}\n", name, stack=())
    assert innermost(stored).message == ""
    assert innermost(stored).place == ""


def test_a_failure_survives_the_database() -> None:
    from tests.unit.orchestration_platform.alerts.failures import failure

    reported = failure(3, partition="2026-01", assets=("a", "b/c"))
    assert Alert.from_json(reported.to_json()) == reported
