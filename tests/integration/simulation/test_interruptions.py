"""A run that is killed or interrupted: a year is all there or not there, and the next goes on."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.simulation.conftest import FIVE_YEARS, Finished
from tests.integration.simulation.launching import (
    Launched,
    instance,
    run_to_its_end,
)
from tests.integration.simulation.results import LEDGER, outcome, rows

from sandboxes.waiting import PATIENCE_SECONDS, wait_until

BASELINE = ("--generate", "1000")


@pytest.fixture
def launch(tmp_path: Path) -> Iterator[Callable[..., Launched]]:
    """Starts the command line; whatever is left of it is killed afterwards."""
    launched = []

    def start(*arguments: str, halts_in: int | None = None) -> Launched:
        launched.append(Launched(*arguments, directory=tmp_path, halts_in=halts_in))
        return launched[-1]

    yield start
    for run in launched:
        for process in run.processes():
            process.kill()


def years_of(warehouse: Path, relation: str) -> list[int]:
    found = rows(warehouse, f"select distinct simulation_year from {relation} order by all")
    return [year for (year,) in found]


def years_in(expected: dict[str, list[tuple]], relation: str, years: set[int]) -> list[tuple]:
    return [entry for entry in expected[relation] if entry[0] in years]


def runs() -> dict[str, dg.DagsterRunStatus]:
    with instance() as found:
        return {run.run_id: run.status for run in found.get_runs()}


def slots_taken() -> int:
    with instance() as found:
        storage = found.event_log_storage
        return storage.get_concurrency_info("simulation_warehouse").active_slot_count


def test_a_first_run_killed_in_the_middle_of_2027_is_gone_on_with(
    platform: Path, finished: Finished, launch: Callable[..., Launched], tmp_path: Path
) -> None:
    warehouse = platform / "simulation.duckdb"
    expected = outcome(finished.warehouse)
    first = launch(*BASELINE, halts_in=2027)
    first.halted()
    first.kill_all()

    assert first.processes() == []
    assert years_of(warehouse, LEDGER) == [2025, 2026]
    assert outcome_of_ledger(warehouse) == years_in(expected, LEDGER, {2025, 2026})
    assert years_of(warehouse, "raw.simulation_year_state") == []
    # the dead run still holds the one slot that there is for writers
    assert list(runs().values()) == [dg.DagsterRunStatus.STARTED]
    assert slots_taken() == 1

    second = run_to_its_end(*BASELINE, directory=tmp_path)
    assert second.status == 0, second.progress
    assert "years 2025 to 2026 are complete: going on from 2027" in second.progress
    assert "batch 2027: ok" in second.progress
    assert "batch 2026: ok" not in second.progress
    assert outcome(warehouse) == expected
    assert set(runs().values()) == {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS}
    assert slots_taken() == 0


def outcome_of_ledger(warehouse: Path) -> list[tuple]:
    return rows(
        warehouse,
        "select simulation_year, count(*), bit_xor(md5_number(entry::varchar)) "
        f"from {LEDGER} as entry group by simulation_year order by all",
    )


def test_a_run_killed_over_an_older_result_shows_nothing_of_its_later_years(
    begin_with: Callable[[Finished], Path],
    finished: Finished,
    finished_with_another_seed: Finished,
    launch: Callable[..., Launched],
    tmp_path: Path,
) -> None:
    warehouse = begin_with(finished_with_another_seed)
    expected = outcome(finished.warehouse)
    assert years_of(warehouse, "marts.fct_year_summary") == list(FIVE_YEARS)
    first = launch(*BASELINE, "--replace", halts_in=2027)
    first.halted()
    first.kill_all()

    left = outcome(warehouse)
    assert left.pop("raw.simulation_year_state") == []
    for relation, entries in left.items():
        assert {year for year, *_ in entries} <= {2025, 2026, None}, relation
        whole = years_in(expected, relation, {2025, 2026})
        assert [entry for entry in entries if entry[0]] == whole, relation

    second = run_to_its_end(*BASELINE, directory=tmp_path)
    assert second.status == 0, second.progress
    assert "years 2025 to 2026 are complete: going on from 2027" in second.progress
    assert outcome(warehouse) == expected


def test_a_run_waits_for_the_holder_of_the_warehouse_and_names_it(
    platform: Path, finished: Finished, launch: Callable[..., Launched], tmp_path: Path
) -> None:
    warehouse = platform / "simulation.duckdb"
    first = launch(*BASELINE, halts_in=2027)
    holder = first.halted()

    impatient = run_to_its_end(*BASELINE, "--wait", "0", directory=tmp_path)
    assert impatient.status == 1
    assert f"{warehouse} is being written by run " in impatient.progress
    assert f"(process {holder.pid}), still after 0 s" in impatient.progress

    second = launch(*BASELINE)
    second.until_it_says(f"(process {holder.pid}) to finish with {warehouse}")
    holder.resume()
    for run in (first, second):
        ended = run.ended()
        assert ended.status == 0, ended.progress
    assert outcome(warehouse) == outcome(finished.warehouse)
    assert slots_taken() == 0


def test_an_interrupted_run_ends_cleanly_and_keeps_complete_years(
    platform: Path, finished: Finished, launch: Callable[..., Launched]
) -> None:
    warehouse = platform / "simulation.duckdb"
    run = launch(*BASELINE, halts_in=2027)
    halted = run.halted()
    os.killpg(run.process.pid, signal.SIGINT)  # as the terminal does for Ctrl-C
    halted.resume()
    ended = run.ended()

    assert ended.status == 130, ended.progress
    assert "interrupted; complete years are kept" in ended.progress
    assert "Traceback" not in ended.progress
    # Dagster's own watcher of its log files ends a second later
    wait_until(lambda: not run.processes(), seconds=PATIENCE_SECONDS)
    complete = years_of(warehouse, LEDGER)
    assert complete[:2] == [2025, 2026]
    expected = outcome(finished.warehouse)
    assert outcome_of_ledger(warehouse) == years_in(expected, LEDGER, set(complete))
    assert list(runs().values()) == [dg.DagsterRunStatus.FAILURE]
    assert slots_taken() == 0
