"""What is wrong is recognised and put right, and nothing is deleted."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.alerts.databases import (
    sqlite_instance,
    sqlite_template,
)

from orchestration_platform.doctor.__main__ import main
from orchestration_platform.doctor.data_directory import disk_findings
from orchestration_platform.doctor.instance import run_findings
from orchestration_platform.doctor.sqlite_files import sqlite_findings
from shared_lib.storage.sqlite_creation import DamagedStorageError
from shared_lib.warehouse.lease import writing_lease

SHARED = ["history/runs.db", "history/runs/index.db", "schedules/schedules.db"]


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DAGSTER_ENVIRONMENT", "ci")
        return sqlite_template(tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def home(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home with one run and an outbox; nobody uses it."""
    monkeypatch.setenv("DAGSTER_ENVIRONMENT", "ci")
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(tmp_path / "data"))
    with sqlite_instance(healthy, tmp_path / "home", monkeypatch) as instance:
        instance.add_dynamic_partitions("towns", ["Ulm"])
        instance.add_run(dg.DagsterRun(job_name="shop", status=dg.DagsterRunStatus.SUCCESS))
    return tmp_path / "home"


def doctor(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    capsys.readouterr()
    status = main(["--json", *arguments])
    found = json.loads(capsys.readouterr().out)
    assert status == (1 if any(finding["done"] is None for finding in found) else 0)
    return found


def is_usable(home: Path) -> bool:
    """Whether Dagster works on the home."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs()
        instance.all_instigator_state()
        instance.add_dynamic_partitions("towns", ["Bonn"])
        return "Bonn" in instance.get_dynamic_partitions("towns")


def flip(path: Path, at: int, length: int = 2000) -> None:
    content = bytearray(path.read_bytes())
    content[at : at + length] = bytes(byte ^ 0xFF for byte in content[at : at + length])
    path.write_bytes(content)


def test_nothing_is_wrong_with_a_healthy_home(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(capsys) == []
    assert main([]) == 0
    assert capsys.readouterr().out == "OK\n"


@pytest.mark.parametrize("name", SHARED)
@pytest.mark.parametrize(
    "harm",
    [
        lambda path: path.write_bytes(b"not a database" * 1000),
        lambda path: flip(path, 0),
        lambda path: os.truncate(path, path.stat().st_size // 2),
    ],
    ids=["other", "header", "torn"],
)
def test_a_damaged_file_is_named_and_set_aside(
    home: Path, capsys: pytest.CaptureFixture[str], name: str, harm: Callable[[Path], object]
) -> None:
    path = home / name
    harm(path)
    content = path.read_bytes()

    (finding,) = doctor(capsys)
    assert finding["kind"] == "damaged file"
    assert str(path) in finding["problem"]
    assert "what cannot be read of" in finding["lost"]
    assert path.read_bytes() == content
    (fixed,) = doctor(capsys, "--fix")

    assert "aside" in fixed["done"]
    (kept,) = path.parent.glob(f"{path.name}.damaged-*")
    assert kept.read_bytes() == content
    assert is_usable(home)
    assert doctor(capsys) == []


def test_a_file_whose_rows_can_be_read_is_rebuilt(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = home / "history" / "runs" / "index.db"
    with closing(sqlite3.connect(path)) as connection:
        page = connection.execute(
            "select rootpage from sqlite_master where name = 'idx_dynamic_partitions'"
        ).fetchone()[0]
        size = connection.execute("pragma page_size").fetchone()[0]
        connection.execute("pragma wal_checkpoint(truncate)")
    flip(path, (page - 1) * size, size)

    (fixed,) = doctor(capsys, "--fix")

    assert fixed["done"].startswith("rebuilt")
    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_dynamic_partitions("towns") == ["Ulm"]
    assert doctor(capsys) == []


@pytest.mark.parametrize("name", SHARED)
def test_of_two_revisions_that_of_this_release_stays(
    home: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    with closing(sqlite3.connect(home / name)) as connection, connection:
        (head,) = connection.execute("select version_num from alembic_version").fetchone()
        connection.execute("insert into alembic_version values ('567bc23fd1ac')")
    with pytest.raises(DamagedStorageError):
        is_usable(home)

    (fixed,) = doctor(capsys, "--fix")

    assert fixed["kind"] == "two revisions"
    assert fixed["lost"] == "nothing"
    with closing(sqlite3.connect(home / name)) as connection:
        assert connection.execute("select version_num from alembic_version").fetchall() == [(head,)]
    assert is_usable(home)


WRITES_AND_DIES = """
import os, signal, sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("pragma journal_mode = wal")
connection.execute("pragma wal_autocheckpoint = 0")
for number in range(20):
    connection.execute(
        "insert into dynamic_partitions (partitions_def_name, partition) values ('a', ?)",
        [f"{number:04}" * 500],
    )
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def log(home: Path) -> Path:
    """The log of the index that a killed process has left."""
    path = home / "history" / "runs" / "index.db"
    died = subprocess.run([sys.executable, "-c", WRITES_AND_DIES, path])
    assert died.returncode == -signal.SIGKILL
    return path.with_name("index.db-wal")


def partitions(home: Path) -> int:
    with closing(sqlite3.connect(home / "history" / "runs" / "index.db")) as connection:
        return connection.execute("select count(*) from dynamic_partitions").fetchone()[0]


def test_a_torn_log_is_found_before_sqlite_forgets_it(
    home: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(log, log.stat().st_size // 2)
    content = log.read_bytes()

    (finding,) = doctor(capsys)
    assert finding["kind"] == "torn log"
    assert "the last changes of the history of assets" in finding["lost"]
    assert log.read_bytes() == content
    (fixed,) = doctor(capsys, "--fix")

    assert fixed["done"]
    (kept,) = log.parent.glob("index.db-wal.damaged-*")
    assert kept.read_bytes() == content
    assert 1 < partitions(home) < 21
    assert is_usable(home)


def test_a_log_without_its_header_is_found(
    home: Path, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    flip(log, 0, 32)

    (finding,) = doctor(capsys)

    assert finding["kind"] == "torn log"


@pytest.mark.parametrize("missing", [0, 100], ids=["whole", "unfinished"])
def test_the_log_of_a_killed_process_is_no_damage(
    home: Path, log: Path, capsys: pytest.CaptureFixture[str], missing: int
) -> None:
    os.truncate(log, log.stat().st_size - missing)

    assert doctor(capsys) == []


def test_a_damaged_warehouse_is_set_aside(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    warehouse = home.parent / "data" / "simulation.duckdb"
    warehouse.write_bytes(b"not a database" * 1000)

    (fixed,) = doctor(capsys, "--fix")

    assert fixed["kind"] == "damaged warehouse"
    assert not warehouse.exists()
    assert doctor(capsys) == []


def test_linked_directories_are_examined_and_broken_links_named(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume" / "simulation.duckdb").write_bytes(b"not a database" * 1000)
    (home.parent / "data" / "simulation").symlink_to(tmp_path / "volume")
    (home.parent / "data" / "lost").symlink_to("/nowhere")
    moved = home.parent / "history"
    (home / "history").rename(moved)
    (home / "history").symlink_to(moved)
    flip(moved / "runs.db", 0)

    found = {finding["kind"]: finding for finding in doctor(capsys)}

    assert "simulation/simulation.duckdb" in found["damaged warehouse"]["problem"]
    assert "lost is a link to /nowhere" in found["link that leads nowhere"]["problem"]
    assert "history/runs.db" in found["damaged file"]["problem"]


def test_a_lease_of_a_dead_holder_is_cleared_and_that_of_a_living_one_not(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = home.parent / "data"
    dead, alive = data / "simulation.lease", data / "gocardless.lease"
    dead.write_text("run 7 of sync (process 4194304)")
    with writing_lease(alive.with_suffix(".duckdb"), holder="run 8", wait_seconds=0, on_wait=print):
        (fixed,) = doctor(capsys, "--fix")

        assert "run 7 of sync" in fixed["problem"]
        assert dead.read_text() == ""
        assert "run 8" in alive.read_text()


def test_a_full_disk_is_named_with_what_to_do(tmp_path: Path) -> None:
    (finding,) = disk_findings([tmp_path], least_free_bytes=10**18)

    assert "MB free" in finding.problem
    assert "make retention DELETE=1" in finding.remedy
    assert not list(disk_findings([tmp_path], least_free_bytes=1))


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as found:
        yield found


def test_a_run_that_never_started_is_ended(instance: dg.DagsterInstance) -> None:
    run = instance.add_run(dg.DagsterRun(job_name="shop", status=dg.DagsterRunStatus.NOT_STARTED))
    now = datetime.now(UTC)
    assert not list(run_findings(instance, now=now))

    (finding,) = run_findings(instance, now=now + timedelta(minutes=20))

    assert run.run_id in finding.problem
    assert finding.fix is not None
    finding.fix()
    ended = instance.get_run_by_id(run.run_id)
    assert ended is not None
    assert ended.status is dg.DagsterRunStatus.FAILURE


def test_a_run_that_has_waited_for_long_and_starts_now_is_no_finding(
    home: Path, instance: dg.DagsterInstance
) -> None:
    instance.add_run(dg.DagsterRun(job_name="shop", status=dg.DagsterRunStatus.STARTING))
    with closing(sqlite3.connect(home / "history" / "runs.db")) as connection, connection:
        connection.execute("update runs set create_timestamp = '2020-01-01 00:00:00'")
    assert list(run_findings(instance)) == []


def test_a_file_that_cannot_be_opened_is_reported_and_left_where_it_is(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk damages no file. It is simulated."""

    def refuse(*_arguments: Any, **_options: Any) -> sqlite3.Connection:
        error = sqlite3.OperationalError("disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_IOERR
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(sqlite3, "connect", refuse)
        findings = list(sqlite_findings(home))

    assert {one.kind for one in findings} == {"unreadable file"}
    assert {one.fix for one in findings} == {None}
    assert len(findings) >= len(SHARED)


def test_a_slot_of_a_run_that_ended_is_freed(
    home: Path, instance: dg.DagsterInstance, capsys: pytest.CaptureFixture[str]
) -> None:
    storage = instance.event_log_storage
    storage.set_concurrency_slots("warehouse", 1)
    (ended,) = (found.run_id for found in instance.get_runs())
    assert storage.claim_concurrency_slot("warehouse", ended, "step").is_claimed

    (fixed,) = doctor(capsys, "--fix")

    assert fixed["kind"] == "slot without owner"
    assert storage.get_concurrency_info("warehouse").active_slot_count == 0
    assert doctor(capsys) == []
