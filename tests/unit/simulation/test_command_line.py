"""How a command ends: with its own status, after a refusal, after Ctrl-C."""

from collections.abc import Callable

import pytest

from simulation.command_line import run_command
from simulation.stored.scenarios import NotStoredError


def raising(error: BaseException) -> Callable[[Callable[[str], None]], int]:
    def work(progress: Callable[[str], None]) -> int:
        progress("reading [the] warehouse")
        raise error

    return work


def test_the_status_is_that_of_the_work(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(lambda progress: progress("2 of 20 runs") or 1) == 1
    assert capsys.readouterr() == ("", "2 of 20 runs\n")


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (NotStoredError("compute it with: make run"), 2, "compute it with: make run"),
        (LookupError("nobody of that name"), 2, "nobody of that name"),
        (KeyboardInterrupt(), 130, "interrupted; nothing of the warehouse was changed"),
    ],
    ids=["of every command", "of this command", "Ctrl-C"],
)
def test_a_refusal_and_an_interruption_are_messages(
    error: BaseException, status: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(raising(error), LookupError) == status
    assert capsys.readouterr() == ("", f"reading [the] warehouse\n{message}\n")


def test_a_fault_is_no_refusal() -> None:
    with pytest.raises(ZeroDivisionError):
        run_command(raising(ZeroDivisionError()), LookupError)
