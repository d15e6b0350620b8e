"""Processes that start together on a fresh home, and a home that was damaged by such a start."""

import multiprocessing
import os
import shutil
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from multiprocessing.synchronize import Barrier
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy
from sqlalchemy import event

from sandboxes.waiting import PATIENCE_SECONDS
from shared_lib.configuration.environment import REPOSITORY_ROOT
from shared_lib.storage.sqlite_creation import DamagedStorageError

# Before processes waited for one another, every second home was damaged.
HOMES = 20
PROCESSES = 3
RUN = "a-run-that-all-processes-read-and-write"


@pytest.fixture
def homes(tmp_path: Path) -> list[Path]:
    homes = [tmp_path / str(number) for number in range(HOMES)]
    for home in homes:
        home.mkdir()
        shutil.copy(REPOSITORY_ROOT / "dagster.local.yaml", home / "dagster.yaml")
    return homes


def without_syncing(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("pragma synchronous = off")


def open_each_together(homes: list[Path], together: Barrier) -> None:
    # to wait for the disk is most of the time, and no part of the matter
    event.listen(sqlalchemy.Engine, "connect", without_syncing)
    for home in homes:
        os.environ["DAGSTER_HOME"] = str(home)
        together.wait(30)
        with dg.DagsterInstance.from_config(str(home)) as instance:
            instance.event_log_storage.store_event(
                dg.EventLogEntry(
                    error_info=None,
                    level="info",
                    user_message="started",
                    run_id=RUN,
                    timestamp=time.time(),
                    dagster_event=None,
                )
            )
            instance.get_asset_keys()
            instance.all_instigator_state()


def heads(database: Path) -> list[str]:
    with closing(sqlite3.connect(database)) as connection:
        return [row[0] for row in connection.execute("select version_num from alembic_version")]


def test_processes_that_start_together_on_a_fresh_home_all_open_it(homes: list[Path]) -> None:
    # forked, since what they share is the time, and imports would spread them
    context = multiprocessing.get_context("fork")
    together = context.Barrier(PROCESSES)
    processes = [
        context.Process(target=open_each_together, args=(homes, together)) for _ in range(PROCESSES)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()

    assert [process.exitcode for process in processes] == [0] * PROCESSES
    for home in homes:
        found = {path.name: len(heads(path)) for path in home.rglob("*.db")}
        assert found == {"runs.db": 1, "index.db": 1, f"{RUN}.db": 1, "schedules.db": 1}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(REPOSITORY_ROOT / "dagster.local.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.from_config(str(tmp_path)):
        return tmp_path


def damage(database: Path) -> Path:
    """The second revision is the one that Dagster takes tables without any for."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("insert into alembic_version values ('5771160a95ad')")
        connection.commit()
    return database


@pytest.mark.parametrize(
    ("database", "loss"),
    [
        ("history/runs.db", "the list of runs"),
        ("history/runs/index.db", "the history of assets"),
        ("schedules/schedules.db", "which schedules and sensors are on"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_lost(home: Path, database: str, loss: str) -> None:
    damaged = damage(home / database)
    with pytest.raises(DamagedStorageError, match=f"remove each .*\\n  {damaged}: {loss}[^\\n]*$"):
        dg.DagsterInstance.from_config(str(home))

    for path in damaged.parent.glob(f"{damaged.name}*"):
        path.unlink()

    with dg.DagsterInstance.from_config(str(home)) as instance:
        assert instance.get_runs() == []
    assert len(heads(damaged)) == 1


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (["-m", "simulation.run"], 2),
        (["-m", "dagster", "dev", "--port", "0"], 1),
        (["-m", "dagster", "instance", "info"], 1),
        (["-m", "dagster._daemon", "run"], 1),
    ],
    ids=lambda value: " ".join(value[1:]) if isinstance(value, list) else "",
)
def test_commands_end_with_the_message(home: Path, command: list[str], status: int) -> None:
    damaged = [damage(home / "history" / "runs.db"), damage(home / "schedules" / "schedules.db")]

    ended = subprocess.run(
        [sys.executable, *command],
        cwd=REPOSITORY_ROOT,
        # without stored years, which would be looked at first
        env={**os.environ, "PLATFORM_DATA_DIRECTORY": str(home / "data")},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )

    assert ended.returncode == status
    assert "Dagster's storage is damaged: " in ended.stderr
    assert all(f"\n  {path}: " in ended.stderr for path in damaged)
    if status == 2:
        assert "Traceback" not in ended.stderr
