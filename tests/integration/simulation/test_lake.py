"""The simulation in a lake: the rows of the file, also of two runs at once and after a kill."""

import importlib
import multiprocessing
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.integration.simulation.conftest import Finished
from tests.integration.simulation.lake_tables import assert_the_lake_has_the_rows_of
from tests.integration.simulation.launching import Launched, run_to_its_end

from sandboxes.postgres import PASSWORD
from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError
from shared_lib.warehouse.backends import hold_location, read_location, write_location
from shared_lib.warehouse.lake.maintenance import maintain_lake

# LAKE_SCENARIOS=3 LAKE_RUN_KILLS=10 for 3 scenarios at once and 30 kills; `pytest -s` for figures
NUMBER = int(os.environ.get("LAKE_SCENARIOS", "2"))
KILLS = int(os.environ.get("LAKE_RUN_KILLS", "1"))
SCENARIOS = ("baseline", "high_growth", "hiring_freeze")[:NUMBER]


def of(scenario: str) -> tuple[str, ...]:
    return "--generate", "1000", "--scenario", scenario


def kill_at_random(scenario: str, *, times: int, lines: int, directory: Path) -> list[set[Any]]:
    """Start runs and kill each after some line of its progress; return what each kill left."""
    luck = random.Random(scenario)
    left = []
    for _ in range(times):
        begins = luck.choice(((), ("--fresh",)))
        run = Launched(*of(scenario), *begins, directory=directory)
        run.until_it_has_said(luck.randrange(lines))
        # It works on. Where it is killed depends on the time, what must be true does not.
        with suppress(subprocess.TimeoutExpired):
            run.process.wait(luck.choice((0, 0.1, 0.5)))
        if run.process.poll() is None:
            run.kill_all()
            left.append(years_stored())
    return left


def years_stored() -> set[tuple[Any, ...]]:
    """Each scenario and year of the ledger in the lake, with a digest of its rows."""
    with suppress(WarehouseMissingError), read_location("simulation") as connection:
        ledgers = connection.execute(
            "select 1 from duckdb_tables() where table_name = 'int_employee_years'"
        )
        if ledgers.fetchone():
            return set(
                connection.execute(
                    "select scenario_id, simulation_year, count(*), sum(hash(ledger)) "
                    "from intermediate.int_employee_years as ledger group by all"
                ).fetchall()
            )
    return set()


def test_scenarios_at_once_whose_runs_are_killed_end_in_the_rows_of_the_file(
    platform_of_lake: Path,
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    lake: Path,
    tmp_path: Path,
) -> None:
    file = begin_with(finished)
    first, *others = SCENARIOS
    lines = finished.ended.progress.count("\n")

    def kill(scenario: str) -> list[set[Any]]:
        times = KILLS - 1 if scenario == first else KILLS
        left = kill_at_random(scenario, times=times, lines=lines, directory=tmp_path)
        if scenario == first:
            run = Launched(*of(scenario), "--fresh", directory=tmp_path, halts_in=2027)
            run.halted()
            run.kill_all()
            left.append(years_stored())
        return left

    begun = time.monotonic()
    with ThreadPoolExecutor(NUMBER) as pool:
        left = [years for of_scenario in pool.map(kill, SCENARIOS) for years in of_scenario]
    seconds = time.monotonic() - begun
    runs = [Launched(*of(scenario), directory=tmp_path) for scenario in SCENARIOS]
    ends = [run.ended() for run in runs]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WAREHOUSE", "file")
        ends += [run_to_its_end(*of(scenario), directory=tmp_path) for scenario in others]
    for ended in ends:
        assert ended.status == 0, ended.progress
        assert PASSWORD not in ended.output + ended.progress
    assert "batch 2026" not in ends[0].progress

    assert_the_lake_has_the_rows_of(file)
    # also after each kill, what was there was whole
    assert set().union(*left) <= years_stored()
    assert list((lake / "simulation" / "intermediate").rglob("*.parquet"))
    orphans = maintain_lake(
        "simulation", keep=timedelta(days=1), untouched=timedelta(), is_dry=True, on_wait=print
    ).orphans
    print(
        f"{NUMBER} scenarios at once, {len(left)} kills in {seconds:.0f} s, "
        f"{sum(map(len, left))} years looked at after them, {len(orphans)} orphans"
    )


def _hold(ready: Any, may_end: Any) -> None:
    with hold_location("simulation", holder="run 1", wait_seconds=0, on_wait=print):
        ready.set()
        may_end.wait()


def test_one_process_at_a_time_writes_and_the_other_learns_which(lake: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    ready, may_end = spawn.Event(), spawn.Event()
    other = spawn.Process(target=_hold, args=(ready, may_end))
    other.start()
    ready.wait()
    waited: list[str] = []
    with (
        pytest.raises(
            WarehouseBusyError, match=rf"by run 1 \(process {other.pid} on .*still after"
        ),
        hold_location("simulation", holder="run 2", wait_seconds=0.3, on_wait=waited.append),
    ):
        pytest.fail("two runs hold the lease")
    assert [text.split(" for ")[1].split(" (")[0] for text in waited] == ["run 1"]
    # another location's tables have a lease of their own
    with hold_location("gocardless", holder="run 3", wait_seconds=0, on_wait=waited.append):
        pass
    assert other.pid is not None
    os.kill(other.pid, signal.SIGKILL)
    other.join()
    with hold_location("simulation", holder="run 2", wait_seconds=30, on_wait=waited.append):
        pass


def test_an_empty_lake_is_missing_until_it_is_written(lake: Path) -> None:
    with (
        pytest.raises(WarehouseMissingError, match="no tables of simulation yet"),
        read_location("simulation"),
    ):
        pytest.fail("it was read")
    with write_location("simulation") as connection:
        connection.execute("create table letters as select 1 as number")
    with read_location("simulation") as connection:
        assert connection.execute("from letters").fetchall() == [(1,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("insert into letters values (2)")


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("compare", ["baseline hiring_freeze"]),
        ("workbook", []),
        ("person", ["E1"]),
        ("seek", ["payroll 2027 <= 1.2e9", "merit_budget"]),
    ],
)
def test_commands_read_the_lake(
    lake: Path, module: str, arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main = importlib.import_module(f"simulation.{module}.__main__").main
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert "the lake has no tables of simulation yet" in printed
    assert "make run" in printed


def test_a_preview_copies_tables_out_of_the_lake_and_writes_nothing_into_it(
    lake: Path, tmp_path: Path
) -> None:
    from preview.inputs import copy_inputs

    with write_location("simulation") as connection:
        connection.execute(
            "create schema raw;"
            "create table raw.simulation_run as select 'baseline' as scenario_id, "
            "2025 as start_year, 2026 as first_year, 2027 as last_year, now() as requested_at"
        )
    files = sorted(lake.rglob("*"))
    copied = tmp_path / "preview.duckdb"
    inputs = copy_inputs(
        {"simulation": {("raw", "simulation_run")}},
        copied,
        scratch=tmp_path,
        say=lambda _: None,
    )
    assert inputs.missing == {}
    with duckdb.connect(str(copied)) as connection:
        assert connection.execute("select first_year from raw.simulation_run").fetchall() == [
            (2025,)
        ]
    with read_location("simulation") as connection:
        assert connection.execute("select first_year from raw.simulation_run").fetchall() == [
            (2026,)
        ]
    assert sorted(lake.rglob("*")) == files
