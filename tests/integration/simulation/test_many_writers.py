"""Many writers of one lake, also killed ones: no row is lost, doubled or mixed."""

import multiprocessing
import os
import random
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import duckdb
import pytest
from tests.integration.simulation.conftest import lead_to_lake

from sandboxes.ports import reserved_port
from sandboxes.postgres import PASSWORD, connect, postgres_directory, program, serving
from sandboxes.waiting import PATIENCE_SECONDS, wait_until
from shared_lib.warehouse import WarehouseBusyError
from shared_lib.warehouse.backends import hold_location, read_location
from shared_lib.warehouse.lake import open_lake
from shared_lib.warehouse.lake_claim import Claim, ClaimLostError, WarehouseConflictError
from shared_lib.warehouse.lake_lease import lake_turn
from shared_lib.warehouse.transaction import transaction

LOCATION = "simulation"
YEARS = range(2025, 2029)
EMPLOYEES = 500
WHOLE = (EMPLOYEES, EMPLOYEES)
# of each part; LAKE_KILLS=200 for the figures of docs/decisions.md
KILLS = int(os.environ.get("LAKE_KILLS", "4"))


def claim(part: str, holder: str) -> Claim:
    return Claim(location=LOCATION, part=part, holder=holder, wait_seconds=90)


def create_ledger() -> None:
    with open_lake(LOCATION) as connection:
        connection.execute("create table ledger (part varchar, year integer, employee integer)")


def write_years(part: str, holder: str, report: Connection) -> None:
    """Write the years of a part that are not there, each in a transaction, as a run does."""
    with hold_location(LOCATION, part=part, holder=holder, wait_seconds=90, on_wait=print):
        mine = claim(part, holder)
        mine.take()
        with open_lake(LOCATION) as connection:
            for year in YEARS:
                report.send(year)
                mine.tried_again(lambda year=year: write_year(connection, mine, year))
    report.send("done")


def write_year(connection: duckdb.DuckDBPyConnection, mine: Claim, year: int) -> None:
    named = {"part": mine.part, "year": year}
    with mine.written(connection):
        connection.execute("delete from ledger where part = $part and year = $year", named)
        connection.execute(
            f"insert into ledger select $part, $year, unnest(range({EMPLOYEES}))", named
        )


def years_stored(part: str) -> list[tuple[int, tuple[int, int]]]:
    """Return each year with its number of rows and of employees."""
    with read_location(LOCATION) as connection:
        rows = connection.execute(
            "select year, count(*), count(distinct employee) from ledger where part = ? "
            "group by year order by year",
            [part],
        ).fetchall()
    return [(year, (number, distinct)) for year, number, distinct in rows]


def kill_at_random(part: str, luck: random.Random, spawn: Any) -> bool:
    """Start a writer and kill it somewhere; return whether it was done before."""
    ours, theirs = spawn.Pipe()
    writer = spawn.Process(target=write_years, args=(part, f"run of {part}", theirs))
    writer.start()
    theirs.close()
    steps = luck.randrange(1, len(YEARS) + 2)
    seconds = luck.uniform(0, 0.1)
    try:
        for _ in range(steps):
            if ours.recv() == "done":
                writer.join()
                return True
        # the writer works on: it is only where it is killed that depends on the time
        ours.poll(seconds)
    finally:
        writer.kill()
        writer.join()
    return False


def test_writers_of_two_parts_killed_at_random_leave_whole_years(lake: Path) -> None:
    create_ledger()
    spawn = multiprocessing.get_context("spawn")
    _, theirs = spawn.Pipe()
    steady = spawn.Process(target=write_years, args=("steady", "steady run", theirs))
    steady.start()
    luck = random.Random(20251130)
    for _ in range(KILLS):
        kill_at_random("killed", luck, spawn)
        # what is there is whole: a year is one transaction
        assert {counts for _, counts in years_stored("killed")} <= {WHOLE}
    while not kill_at_random("killed", random.Random(), spawn):
        pass
    steady.join()
    assert steady.exitcode == 0
    assert years_stored("killed") == years_stored("steady") == [(year, WHOLE) for year in YEARS]


def test_two_runs_of_one_part_that_ignore_the_lease_do_not_double_its_rows(lake: Path) -> None:
    create_ledger()
    first, second = claim("baseline", "run 1"), claim("baseline", "run 2")
    first.take()
    with open_lake(LOCATION) as one, open_lake(LOCATION) as other:
        write_year(one, first, 2025)
        # run 2 begins while run 1 is in a transaction, in which it has confirmed its claim
        one.begin()
        first.confirm(one)
        one.execute("insert into ledger select 'baseline', 2026, unnest(range(10))")
        second.take()
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
    mine.take()
    attempts = 0

    def overtaken(until: int) -> None:
        nonlocal attempts
        attempts += 1
        with open_lake(LOCATION) as one, transaction(one):
            mine.confirm(one)
            if attempts < until:
                with open_lake(LOCATION) as other, transaction(other):
                    mine.confirm(other)

    mine.tried_again(lambda: overtaken(3))
    assert attempts == 3
    with (
        hold_location(LOCATION, part="high", holder="run 7", wait_seconds=0, on_wait=print),
        pytest.raises(WarehouseConflictError, match=r"baseline of simulation .* now run 7 \(proc"),
    ):
        mine.tried_again(lambda: overtaken(1000))


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
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    writer = spawn.Process(target=write_years, args=("baseline", "run 1", theirs))
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
