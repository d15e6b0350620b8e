"""What a measured process took is its own, whatever the bench itself has in memory."""

import sys
from pathlib import Path

import pytest
from bench.figures.measuring import MeasuredProcessError, measure

MIB = 1024**2


def test_the_peak_is_that_of_the_process_and_its_children(tmp_path: Path) -> None:
    ballast = b"x" * (200 * MIB)
    small = measure([sys.executable, "-c", "print('here')"], environment={}, directory=tmp_path)
    large = measure(
        ["sh", "-c", f"{sys.executable} -c 'len(str().zfill(150 << 20))'; true"],
        environment={},
        directory=tmp_path,
    )
    del ballast
    assert small.output == "here\n"
    assert small.peak_bytes < 50 * MIB
    assert 150 * MIB < large.peak_bytes < 200 * MIB


def test_a_process_that_fails_is_an_error_with_what_it_printed(tmp_path: Path) -> None:
    with pytest.raises(MeasuredProcessError, match=r"(?s)ended with 3:.*for a reason"):
        measure(["sh", "-c", "echo for a reason; exit 3"], environment={}, directory=tmp_path)
