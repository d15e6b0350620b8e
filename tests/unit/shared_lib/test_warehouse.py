"""One writer at a time: others wait, or the error names it. The others are real processes."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import duckdb
import pytest
import yaml

from shared_lib.dbt.project import PROJECT_DIRECTORY
from shared_lib.warehouse import (
    WarehouseBusyError,
    WarehouseMissingError,
    read_warehouse,
    write_warehouse,
)
from shared_lib.warehouse.connection import open_memory
from shared_lib.warehouse.lease import writing_lease

# Each says when it holds the file, and holds it until its standard input ends.
HOLD_FILE = """
import sys, duckdb
connection = duckdb.connect(sys.argv[1], read_only=len(sys.argv) > 2)
print("held", flush=True)
sys.stdin.read()
"""
HOLD_LEASE = """
import sys
from pathlib import Path
from shared_lib.warehouse.lease import writing_lease
with writing_lease(Path(sys.argv[1]), holder="run 4711", wait_seconds=0, on_wait=print):
    print("held", flush=True)
    sys.stdin.read()
"""
OPEN_FILE = """
import sys
from pathlib import Path
from shared_lib.warehouse import write_warehouse
with write_warehouse(Path(sys.argv[1]), wait_seconds=0):
    pass
"""
NAMESPACE = ("unshare", "--user", "--map-root-user", "--pid", "--fork")

Hold = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    path = tmp_path / "new folder" / "simulation.duckdb"
    with write_warehouse(path) as connection:
        connection.execute("create table numbers as select 42 as number")
    return path


@pytest.fixture
def hold() -> Iterator[Hold]:
    """Start a process that holds what its program names; all of them are ended afterwards."""
    holders = []

    def start(program: str, *arguments: object) -> subprocess.Popen[str]:
        holder = subprocess.Popen(
            [sys.executable, "-c", program, *map(str, arguments)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        holders.append(holder)
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        return holder

    yield start
    for holder in holders:
        with holder:
            holder.kill()


def release(holder: subprocess.Popen[str]) -> None:
    assert holder.stdin
    holder.stdin.close()


def never(text: str) -> NoReturn:
    pytest.fail(f"reported while nobody held the file: {text}")


def test_a_written_table_is_read_and_the_file_is_free_after_both(
    warehouse: Path, hold: Hold
) -> None:
    with read_warehouse(warehouse, wait_seconds=0, on_wait=never) as connection:
        assert connection.execute("from numbers").fetchall() == [(42,)]
        with pytest.raises(duckdb.InvalidInputException, match="read-only"):
            connection.execute("insert into numbers values (1)")
    hold(HOLD_FILE, warehouse)


@pytest.mark.parametrize("opened", [write_warehouse, read_warehouse])
def test_a_body_that_raises_lets_go_of_the_file(
    opened: Callable, warehouse: Path, hold: Hold
) -> None:
    with pytest.raises(ZeroDivisionError), opened(warehouse):
        _ = 1 / 0
    hold(HOLD_FILE, warehouse)


def test_there_is_nothing_to_read_before_the_first_run(tmp_path: Path) -> None:
    path = tmp_path / "absent.duckdb"
    with pytest.raises(WarehouseMissingError, match=r"absent\.duckdb does not exist"):
        read_warehouse(path).__enter__()
    assert not path.exists()


@pytest.mark.parametrize("opened", [write_warehouse, read_warehouse])
def test_the_error_after_waiting_names_program_process_and_file(
    opened: Callable, warehouse: Path, hold: Hold
) -> None:
    holder = hold(HOLD_FILE, warehouse)
    heard: list[str] = []
    with pytest.raises(WarehouseBusyError) as refused:
        opened(warehouse, wait_seconds=0.5, on_wait=heard.append).__enter__()
    text = str(refused.value)
    assert str(warehouse) in text
    assert Path(os.path.realpath(sys.executable)).name in text
    assert f"(process {holder.pid})" in text
    assert "still after 0.5 s" in text
    assert heard == [
        f"waiting up to 0.5 s for {os.path.realpath(sys.executable)} (process {holder.pid}) "
        f"to release {warehouse}"
    ]


def test_a_process_that_waits_long_enough_gets_the_file(warehouse: Path, hold: Hold) -> None:
    holder = hold(HOLD_FILE, warehouse)
    # the holder lets go when, and because, the other has begun to wait
    with write_warehouse(
        warehouse, wait_seconds=60, on_wait=lambda _: release(holder)
    ) as connection:
        connection.execute("insert into numbers values (43)")
    assert holder.wait() == 0


def test_readers_do_not_keep_each_other_out_but_a_writer(warehouse: Path, hold: Hold) -> None:
    hold(HOLD_FILE, warehouse, "read only")
    with read_warehouse(warehouse, wait_seconds=0, on_wait=never) as connection:
        assert connection.execute("from numbers").fetchall() == [(42,)]
    with pytest.raises(WarehouseBusyError):
        write_warehouse(warehouse, wait_seconds=0).__enter__()


@pytest.mark.skipif(
    subprocess.run([*NAMESPACE, "true"], capture_output=True).returncode != 0,
    reason="this machine grants no user namespaces",
)
def test_a_holder_that_cannot_be_seen_is_waited_for_all_the_same(
    warehouse: Path, hold: Hold
) -> None:
    """As from another container that mounts the same volume: DuckDB knows no process there."""
    hold(HOLD_FILE, warehouse)
    contained = subprocess.run(
        [*NAMESPACE, sys.executable, "-c", OPEN_FILE, warehouse], capture_output=True, text=True
    )
    assert "WarehouseBusyError" in contained.stderr
    assert "held by a process outside this container or machine" in contained.stderr


def test_a_file_that_is_no_warehouse_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "notes.duckdb"
    path.write_text("not a database, but long enough to look like one\n" * 1000)
    with pytest.raises(duckdb.IOException, match=r"notes\.duckdb"):
        write_warehouse(path, wait_seconds=60, on_wait=never).__enter__()


def test_the_error_after_waiting_for_another_run_names_it(tmp_path: Path, hold: Hold) -> None:
    path = tmp_path / "simulation.duckdb"
    holder = hold(HOLD_LEASE, path)
    heard: list[str] = []
    with pytest.raises(WarehouseBusyError) as refused:
        writing_lease(path, holder="me", wait_seconds=0.5, on_wait=heard.append).__enter__()
    assert f"being written by run 4711 (process {holder.pid}), still after 0.5 s" in str(
        refused.value
    )
    assert heard == [
        f"waiting up to 0.5 s for run 4711 (process {holder.pid}) to finish with {path}"
    ]


def test_a_run_follows_the_one_that_it_waited_for(tmp_path: Path, hold: Hold) -> None:
    path = tmp_path / "simulation.duckdb"
    holder = hold(HOLD_LEASE, path)
    with writing_lease(path, holder="me", wait_seconds=60, on_wait=lambda _: release(holder)):
        assert path.with_suffix(".lease").read_text() == f"me (process {os.getpid()})"
    assert path.with_suffix(".lease").read_text() == ""


def test_the_lease_of_a_killed_run_is_free_at_once(tmp_path: Path, hold: Hold) -> None:
    path = tmp_path / "simulation.duckdb"
    holder = hold(HOLD_LEASE, path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert "run 4711" in path.with_suffix(".lease").read_text()  # it could not tidy up
    with writing_lease(path, holder="me", wait_seconds=0, on_wait=never):
        assert path.with_suffix(".lease").read_text() == f"me (process {os.getpid()})"


def test_a_child_of_a_killed_run_does_not_keep_its_lease(tmp_path: Path, hold: Hold) -> None:
    """dbt may outlive the run that started it; DuckDB's own lock then speaks for it."""
    path = tmp_path / "simulation.duckdb"
    holder = hold(
        HOLD_LEASE.replace(
            'print("held", flush=True)',
            "import subprocess\n"
            '    child = subprocess.Popen(["sleep", "60"])\n'
            "    Path(sys.argv[2]).write_text(str(child.pid))\n"
            '    print("held", flush=True)',
        ),
        path,
        tmp_path / "child",
    )
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    try:
        with writing_lease(path, holder="me", wait_seconds=0, on_wait=never):
            pass
    finally:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


def test_of_many_that_want_the_lease_one_at_a_time_has_it(tmp_path: Path) -> None:
    path = tmp_path / "simulation.duckdb"
    inside, most = 0, 0
    errors: list[BaseException] = []

    def take_turns() -> None:
        nonlocal inside, most
        try:
            with writing_lease(path, holder="one", wait_seconds=60, on_wait=lambda _: None):
                inside += 1
                most = max(most, inside)
                time.sleep(0.05)  # without the lease all of them would be in here together
                inside -= 1
        except BaseException as error:  # noqa: BLE001 - an error in a thread must reach the test
            errors.append(error)

    threads = [threading.Thread(target=take_turns) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert most == 1


TWO_PARTS = """
select count(*) from (
    select * from numbers left join words on true
    where not (not is_even and substring(word from -4294967296) <> word)
    union all
    select * from numbers left join words on true
    where (not is_even and substring(word from -4294967296) <> word) is null
)
"""


def test_two_parts_of_a_statement_are_not_taken_for_the_same(warehouse: Path) -> None:
    """As duckdb issue 24624 describes; with this release's defaults the count is 0."""

    def count(connection: duckdb.DuckDBPyConnection) -> int:
        connection.execute("create temp table numbers as select false as is_even")
        connection.execute("create temp table words as select 'a' as word")
        [(found,)] = connection.execute(TWO_PARTS).fetchall()
        return found

    with write_warehouse(warehouse) as written, open_memory() as memory:
        assert [count(written), count(memory)] == [1, 1]
    with read_warehouse(warehouse) as read:
        assert count(read) == 1


def test_dbt_works_with_the_same_optimizers() -> None:
    profile = yaml.safe_load((PROJECT_DIRECTORY / "profiles.yml").read_text())
    with open_memory() as connection:
        [(disabled,)] = connection.execute(
            "select current_setting('disabled_optimizers')"
        ).fetchall()
    for output in profile["workforce"]["outputs"].values():
        assert output["settings"]["disabled_optimizers"] == disabled
