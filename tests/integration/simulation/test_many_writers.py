"""Many writers of one lake, also killed ones: no row is lost, doubled or mixed."""

import multiprocessing
import os
import random
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, nullcontext
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from tests.integration.simulation.conftest import lead_to_lake
from tests.integration.simulation.lake_writers import (
    LOCATION,
    WHOLE,
    YEARS,
    claim,
    create_ledger,
    rows_by_year,
    write_year,
    write_years,
    years_stored,
)

from sandboxes.ports import reserved_port
from sandboxes.postgres import PASSWORD, connect, postgres_directory, program, serving
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.warehouse import WarehouseBusyError, resource
from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.lake import lease
from shared_lib.warehouse.lake.attachment import Lake, open_lake
from shared_lib.warehouse.lake.claim import ClaimLostError, WarehouseConflictError
from shared_lib.warehouse.lake.lease import lake_turn, writers
from shared_lib.warehouse.lake.maintenance import maintain_lake
from shared_lib.warehouse.transaction import transaction
from simulation.resources import ScenarioWarehouse

SPAWN = multiprocessing.get_context("spawn")
# LAKE_WRITERS=8 LAKE_KILLS=25 for 8 processes at once and 200 kills, with `pytest -s` for figures
WRITERS = int(os.environ.get("LAKE_WRITERS", "2"))
KILLS = int(os.environ.get("LAKE_KILLS", "2"))


def kill_at_random(part: str, luck: random.Random) -> None:
    """Start a writer, and kill it in the transaction of one of its years, or soon after."""
    report, theirs = SPAWN.Pipe()
    writer = SPAWN.Process(target=write_years, args=(part, f"run of {part}", theirs))
    writer.start()
    theirs.close()
    for _ in range(luck.randrange(1, len(YEARS) + 1)):
        report.recv()
    # It works on. Where it is killed depends on the time, what must be true does not.
    report.poll(luck.uniform(0, luck.choice((0.01, 0.05, 0.2))))
    writer.kill()
    writer.join()


def test_writers_killed_at_random_lose_double_and_mix_no_rows(lake: Path) -> None:
    create_ledger()
    parts = [f"part {number}" for number in range(WRITERS)]
    lucks = [random.Random(number) for number in range(WRITERS)]
    begun = time.monotonic()
    stored: set[tuple[str, int]] = set()
    for _ in range(KILLS):
        with ThreadPoolExecutor(WRITERS) as pool:
            list(pool.map(kill_at_random, parts, lucks))
        found = rows_by_year()
        # what is there is whole, as a year is one transaction; and what was there still is
        assert set(found.values()) <= {WHOLE}
        assert found.keys() >= stored
        stored = set(found)
    killed = time.monotonic() - begun
    report, theirs = SPAWN.Pipe()
    for part in parts:
        write_years(part, "the last run", theirs)
        assert [report.recv() for _ in YEARS] == [*YEARS]
        assert report.recv() == "done"
    assert rows_by_year() == dict.fromkeys(product(parts, YEARS), WHOLE)
    orphans = maintain_lake(
        LOCATION, keep=timedelta(days=1), untouched=timedelta(), is_dry=True, on_wait=print
    ).orphans
    print(
        f"{WRITERS} processes, {WRITERS * KILLS} kills in {killed:.0f} s, {len(orphans)} of them "
        f"left a file; {len(parts) * len(YEARS) * WHOLE[0]} rows, none lost, doubled or mixed"
    )


def test_two_runs_of_one_part_that_ignore_the_lease_do_not_double_its_rows(lake: Path) -> None:
    create_ledger()
    first, second = claim("baseline", "run 1"), claim("baseline", "run 2")
    with open_lake(LOCATION) as one, open_lake(LOCATION) as other:
        first.take(one)
        write_year(one, first, 2025)
        # run 2 begins while run 1 is in a transaction, in which it has confirmed its claim
        one.begin()
        first.confirm(one)
        one.execute("insert into ledger select 'baseline', 2026, unnest(range(10))")
        second.take(other)
        write_year(other, second, 2026)
        with pytest.raises(duckdb.TransactionException, match="conflict"):
            one.commit()
        with pytest.raises(ClaimLostError, match=r"baseline of simulation .* over by run 2"):
            write_year(one, first, 2026)
    assert years_stored("baseline") == [(year, WHOLE) for year in (2025, 2026)]


def test_two_first_claims_of_a_part_at_once_leave_one(lake: Path) -> None:
    claims = [claim("baseline", f"run {number}") for number in range(2)]
    create_ledger()
    with open_lake(LOCATION) as one, open_lake(LOCATION) as other:
        one.begin()
        claims[0].put(one)
        with transaction(other):
            claims[1].put(other)
        with pytest.raises(duckdb.TransactionException, match="conflict"):
            one.commit()
        assert other.execute("from claims.baseline").fetchall() == [("run 1", 0)]


def test_a_transaction_that_is_overtaken_is_tried_again_and_then_reported(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tenacity.nap.time.sleep", lambda _: None)
    create_ledger()
    mine = claim("baseline", "run 1")
    attempts = 0

    def overtaken(until: int) -> None:
        nonlocal attempts
        attempts += 1
        with transaction(one):
            mine.confirm(one)
            if attempts < until:
                with transaction(other):
                    mine.confirm(other)

    with (
        open_lake(LOCATION) as one,
        open_lake(LOCATION) as other,
        hold_location(LOCATION, part="high", holder="run 7", wait_seconds=0, on_wait=print),
    ):
        mine.take(one)
        mine.tried_again(lambda: overtaken(3))
        assert attempts == 3
        with pytest.raises(WarehouseConflictError, match=r"baseline of sim.* now run 7 \(process"):
            mine.tried_again(lambda: overtaken(1000))


def test_a_step_that_is_overtaken_is_tried_again(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resource, "_LONGEST_PAUSE_SECONDS", 0.2)
    create_ledger()
    holders: list[list[str]] = []

    @dg.op
    def step(warehouse: ScenarioWarehouse) -> None:
        holders.append(writers(LOCATION))
        with warehouse.writing() as connection:
            connection.execute("insert into ledger values ('baseline', 2025, 1)")
            if len(holders) == 1:
                with open_lake(LOCATION) as other:
                    other.execute("update claims.baseline set changes = changes + 1")

    @dg.job(resource_defs={"warehouse": ScenarioWarehouse(location=LOCATION)})
    def overtaken() -> None:
        step()

    result = overtaken.execute_in_process(tags={"dagster/partition": "baseline|2025"})
    assert result.success
    [first, second] = holders
    assert first == second
    assert first[0].startswith(f"run {result.run_id} of overtaken (process {os.getpid()} on ")
    assert years_stored("baseline") == [(2025, (1, 1))]


def test_parts_are_held_at_once_but_neither_twice_nor_with_the_whole(lake: Path) -> None:
    def held(part: str | None, holder: str) -> Any:
        return hold_location(LOCATION, part=part, holder=holder, wait_seconds=0, on_wait=print)

    with held("baseline", "run 1"), held("high_growth", "run 2"):
        with pytest.raises(WarehouseBusyError, match=r"simulation/baseline .* by run 1 \(process"):
            held("baseline", "run 3").__enter__()
        with pytest.raises(WarehouseBusyError, match=r"of simulation .* run 1 \(.* and run 2 \("):
            held(None, "retention").__enter__()
    with (
        held(None, "retention"),
        pytest.raises(WarehouseBusyError, match=r"baseline .* by retention \(process"),
    ):
        held("baseline", "run 3").__enter__()


def test_a_lease_that_has_ended_is_free_before_postgres_notices_the_end_of_its_connection(
    lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hold(error: Exception | None) -> None:
        with hold_location(LOCATION, holder="run", wait_seconds=0, on_wait=print):
            if error is not None:
                raise error

    engine = Lake.from_environment().engine().execution_options(isolation_level="AUTOCOMMIT")
    with ExitStack() as stack:

        def connected() -> nullcontext[Any]:
            return nullcontext(stack.enter_context(engine.connect()))

        monkeypatch.setattr(lease, "_connected", connected)
        hold(None)
        with pytest.raises(ValueError, match="the body"):
            hold(ValueError("the body"))
        hold(None)


def test_who_waits_too_long_for_a_turn_learns_it(lake: Path) -> None:
    with (
        lake_turn(LOCATION, wait_seconds=10),
        pytest.raises(WarehouseBusyError, match="another process has been writing"),
        lake_turn(LOCATION, wait_seconds=0.1),
    ):
        pytest.fail("two have their turn")


def test_a_catalog_that_crashes_in_a_commit_has_all_of_it_or_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if program("initdb") is None:
        pytest.skip("PostgreSQL is not installed")
    port = reserved_port()
    lead_to_lake(monkeypatch, port=port, database="postgres", data=tmp_path / "lake")
    ours, theirs = SPAWN.Pipe()
    writer = SPAWN.Process(target=write_years, args=("baseline", "run 1", theirs))
    with postgres_directory() as directory:
        with serving(directory, port) as server:
            create_ledger()
            writer.start()
            assert [ours.recv() for _ in YEARS[:2]] == [2025, 2026]
            # every commit writes its snapshot there, so the next one waits in its middle
            other = connect(port, "postgres", PASSWORD)
            other.execute("begin; lock lake_simulation.ducklake_snapshot in exclusive mode")
            wait_until(lambda: commit_waits(port), seconds=PATIENCE_SECONDS)
            server.send_signal(signal.SIGQUIT)  # finishes nothing
            server.wait()
            other.close()
            writer.join()
            assert writer.exitcode != 0
        with serving(directory, port):
            stored = years_stored("baseline")
            assert {counts for _, counts in stored} == {WHOLE}
            assert len(stored) < len(YEARS)
            write_years("baseline", "run 2", theirs)
            assert years_stored("baseline") == [(year, WHOLE) for year in YEARS]


def commit_waits(port: int) -> bool:
    with connect(port, "postgres", PASSWORD) as connection:
        waiting = connection.execute(
            "select 1 from pg_locks where not granted and locktype = 'relation' "
            "and relation = 'lake_simulation.ducklake_snapshot'::regclass"
        )
        return waiting.fetchone() is not None
