"""A damaged warehouse is recognised, and what is set aside is kept."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from shared_lib.warehouse import WarehouseBusyError
from shared_lib.warehouse.damage import find_damage, set_aside

ROWS = 200_000
# Commits twice, and dies before the log goes into the file.
DIES = """
import duckdb, os, signal, sys
connection = duckdb.connect(sys.argv[1])
connection.execute("set wal_autocheckpoint = '1GB'")
for _ in range(2):
    connection.execute("insert into years select range, 'later' from range(5000)")
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A warehouse with a log that a killed process has left."""
    path = tmp_path / "simulation.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute(
            f"create table years as select range id, md5(range::varchar) as name from range({ROWS})"
        )
    died = subprocess.run([sys.executable, "-c", DIES, path])
    assert died.returncode == -signal.SIGKILL
    return path


def log_of(path: Path) -> Path:
    return path.with_name(path.name + ".wal")


def flip(path: Path, at: float) -> None:
    content = bytearray(path.read_bytes())
    start = int(len(content) * at)
    content[start : start + 64] = bytes(byte ^ 0xFF for byte in content[start : start + 64])
    path.write_bytes(content)


def rows(path: Path) -> int:
    with duckdb.connect(str(path)) as connection:
        return connection.sql("select count(*) from years").fetchall()[0][0]


@pytest.mark.parametrize(
    "harm",
    [
        lambda path: os.truncate(path, path.stat().st_size // 2),
        lambda path: os.truncate(path, 0),
        lambda path: flip(path, 0.0),
        lambda path: flip(path, 0.5),
        lambda path: path.write_bytes(b"not a database" * 1000),
    ],
    ids=["torn", "empty", "header", "block", "other"],
)
def test_a_damaged_file_is_set_aside_whole(warehouse: Path, harm: Callable[[Path], object]) -> None:
    harm(warehouse)
    content = warehouse.read_bytes()

    damage = find_damage(warehouse)

    assert damage is not None
    assert "everything in simulation.duckdb" in damage.lost
    kept, _log = set_aside(damage)
    assert kept.read_bytes() == content
    assert not warehouse.exists()
    assert not log_of(warehouse).exists()


def test_of_a_damaged_log_the_file_stays(warehouse: Path) -> None:
    flip(log_of(warehouse), 0.6)

    damage = find_damage(warehouse)

    assert damage is not None
    assert "since the last checkpoint" in damage.lost
    (kept,) = set_aside(damage)
    assert kept.exists()
    assert find_damage(warehouse) is None
    assert rows(warehouse) == ROWS


def test_the_log_of_a_killed_process_is_no_damage(warehouse: Path) -> None:
    assert find_damage(warehouse) is None
    os.truncate(log_of(warehouse), log_of(warehouse).stat().st_size * 2 // 3)
    assert find_damage(warehouse) is None
    assert rows(warehouse) == ROWS + 5000


def test_a_file_that_is_not_there_is_not_damaged(tmp_path: Path) -> None:
    assert find_damage(tmp_path / "none.duckdb") is None


def test_a_file_that_is_being_written_is_busy(warehouse: Path) -> None:
    writes = (
        f"import duckdb, sys; c = duckdb.connect({str(warehouse)!r}); print(); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", writes], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        with pytest.raises(WarehouseBusyError):
            find_damage(warehouse)
        writer.communicate()
