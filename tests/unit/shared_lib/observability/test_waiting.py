"""A run waits 2 s in total, however many of its processes wait."""

import os
import subprocess
import sys
import time
from pathlib import Path
from uuid import uuid4

import pytest

from shared_lib.observability.run_budget import WaitingAllowance

SPEND = """
import sys
from shared_lib.observability.run_budget import WaitingAllowance
WaitingAllowance(sys.argv[1]).spend(0.4)
print(WaitingAllowance(sys.argv[1]).is_first_complaint())
"""


@pytest.fixture(autouse=True)
def own_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    return tmp_path


def test_all_processes_of_a_run_share_its_two_seconds() -> None:
    run_id = str(uuid4())
    allowance = WaitingAllowance(run_id)
    before = allowance.remaining()
    assert 1.5 < before < 1.8
    spending = [
        subprocess.Popen([sys.executable, "-c", SPEND, run_id], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    answers = [process.communicate()[0].strip() for process in spending]
    assert allowance.remaining() == pytest.approx(before - 1.2)
    assert sorted(answers) == ["False", "False", "True"]
    assert not allowance.is_first_complaint()
    allowance.spend(5)
    assert allowance.remaining() == 0


def test_another_run_has_its_own() -> None:
    WaitingAllowance("one").spend(1)
    assert WaitingAllowance("other").remaining() > WaitingAllowance("one").remaining()
    assert WaitingAllowance("other").is_first_complaint()


def test_nothing_is_kept_of_what_is_over(own_directory: Path) -> None:
    for name in ("over", "killed"):
        WaitingAllowance(name).spend(1)
    WaitingAllowance("over").forget()
    (kept,) = own_directory.glob("*/*")
    assert kept.name == "killed"
    yesterday = time.time() - 25 * 3600
    os.utime(kept, (yesterday, yesterday))
    WaitingAllowance("next").spend(1)
    assert [path.name for path in own_directory.glob("*/*")] == ["next"]
    WaitingAllowance("unspent").spend(0.001)
    assert not list(own_directory.glob("*/unspent"))
