"""Years that are stored: answered from, gone on from, and never removed without consent."""

import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.launching import instance, run_to_its_end
from tests.integration.simulation.results import LEDGER, everything_of, outcome
from tests.integration.simulation.test_five_years import YEARLY

from simulation.run.__main__ import main

BASELINE = ("--generate", "1000")
# measured without load: 1 s of which 0.7 s of CPU
UNCHANGED_CPU_SECONDS = 2.0


def runs() -> Sequence[dg.DagsterRun]:
    with instance() as found:
        return found.get_runs()


@pytest.mark.parametrize("years", ["2025-2026", "2027"])
def test_fewer_years_are_shown_from_what_is_stored(
    years: str,
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = begin_with(finished)
    before = everything_of(warehouse, "baseline")

    assert main([*BASELINE, "--years", years]) == 0

    output, progress = capsys.readouterr()
    assert "nothing has changed" in progress
    shown = [line.split("│")[1].strip() for line in output.splitlines() if "│" in line]
    first, last = years.split("-", maxsplit=1)[0], years.rsplit("-", maxsplit=1)[-1]
    assert shown == [str(year) for year in range(int(first), int(last) + 1)]
    assert not runs()
    assert everything_of(warehouse, "baseline") == before


def test_an_unchanged_run_is_answered_from_what_is_stored(
    begin_with: Callable[[Finished], Path], finished: Finished, tmp_path: Path
) -> None:
    warehouse = begin_with(finished)
    before = everything_of(warehouse, "baseline")
    times = os.times()

    ended = run_to_its_end(*BASELINE, directory=tmp_path)

    spent = os.times()
    seconds = spent.children_user + spent.children_system
    assert seconds - times.children_user - times.children_system < UNCHANGED_CPU_SECONDS
    assert ended.status == 0, ended.progress
    assert "nothing has changed" in ended.progress
    assert ended.output == finished.ended.output
    assert not runs()
    assert everything_of(warehouse, "baseline") == before


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        (
            ("--generate", "900"),
            ["2025 to 2029 of scenario baseline", "had 1,000 employees, and this one has 900"],
        ),
        (
            (*BASELINE, "--start-year", "2027"),
            ["2025 to 2029 of scenario baseline", "simulation.start_year was 2025 and is 2027"],
        ),
        (
            (*BASELINE, "--scenario", "high_growth", "--years", "2027"),
            ["year 2026 of scenario high_growth has not been simulated", "--start-year 2027"],
        ),
        ((*BASELINE, "--years", "2024-2026"), ["year 2024 lies before start_year 2025"]),
        ((*BASELINE, "--years", "2025-2091"), ["2091", "2060"]),
        ((*BASELINE, "--years", "2025-2030"), ["2030: no configured year", "2025 to 2029"]),
        ((*BASELINE, "--scenario", "basline"), ["no scenario 'basline'", "baseline"]),
    ],
)
def test_a_run_that_would_remove_years_or_is_impossible_is_refused_before_it_exists(
    arguments: tuple[str, ...],
    messages: list[str],
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    capsys: pytest.CaptureFixture[str],
) -> None:
    warehouse = begin_with(finished)
    before = everything_of(warehouse, "baseline")

    assert main(arguments) == 2

    progress = capsys.readouterr().err
    for message in messages:
        assert message in progress
    assert not runs()
    assert everything_of(warehouse, "baseline") == before


def test_a_late_year_alone_is_refused_where_nothing_is_stored(
    platform: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*BASELINE, "--years", "2027"]) == 2
    assert "year 2026 of scenario baseline has not been simulated" in capsys.readouterr().err
    assert not (platform / "simulation.duckdb").exists()
    assert not runs()


@pytest.mark.parametrize("answer", ["n", "\x04"])
def test_at_a_terminal_the_user_is_asked_and_may_decline(
    answer: str, begin_with: Callable[[Finished], Path], finished: Finished
) -> None:
    warehouse = begin_with(finished)
    before = everything_of(warehouse, "baseline")

    status, shown = at_a_terminal("--generate", "900", answer=answer)

    assert status == 2
    assert "Remove these years and go on? [y/N]" in shown
    assert "nothing was changed" in shown
    assert not runs()
    assert everything_of(warehouse, "baseline") == before


def at_a_terminal(*arguments: str, answer: str) -> tuple[int, str]:
    """The status of the command at a pseudo terminal, and what it shows there."""
    ours, its = pty.openpty()
    command = [sys.executable, "-m", "simulation.run", *arguments]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its) as process:
        os.close(its)
        shown = b""
        while b"[y/N]" not in shown:
            shown += os.read(ours, 1024)
        os.write(ours, answer.encode() + (b"" if answer == "\x04" else b"\n"))
        try:
            while block := os.read(ours, 1024):
                shown += block
        except OSError:  # the terminal is gone with the process
            pass
    os.close(ours)
    return process.returncode, shown.decode()


def test_with_consent_the_years_of_the_former_census_go_and_no_others(
    begin_with: Callable[[Finished], Path], finished: Finished, platform: Path, tmp_path: Path
) -> None:
    warehouse = begin_with(finished)
    shutil.copytree(finished.instance, platform.parent / "dagster", dirs_exist_ok=True)

    ended = run_to_its_end(
        "--generate", "900", "--years", "2025-2026", "--replace", directory=tmp_path
    )

    assert ended.status == 0, ended.progress
    assert "removing 2025 to 2029 of scenario baseline, because the census had 1,000" in (
        ended.progress
    )
    left = outcome(warehouse)
    for relation in (LEDGER, "raw.simulation_year_state", "marts.fct_year_summary"):
        assert [year for year, *_ in left[relation]] == [2025, 2026], relation
    with instance() as found:
        [run, _] = found.get_runs()
        for asset in YEARLY:
            shown = found.get_materialized_partitions(dg.AssetKey(asset))
            assert shown == {"baseline|2025", "baseline|2026"}, asset
        check = dg.AssetCheckKey(dg.AssetKey("simulation_year_state"), "years_in_warehouse")
        record = found.event_log_storage.get_asset_check_execution_history(check, limit=1)[0]
        assert record.run_id == run.run_id
        assert record.status.value == "SUCCEEDED"
