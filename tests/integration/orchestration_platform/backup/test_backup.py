"""A backup is whole or does not count, and a restored platform continues where it was."""

import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
from tests.integration.orchestration_platform.backup.backing_up import (
    back_up,
    let_things_happen,
    state,
)
from tests.integration.orchestration_platform.backup.conftest import Platform
from tests.integration.orchestration_platform.housekeeping.history import run, stored
from upath import UPath

from orchestration_platform.backup import data_directory
from orchestration_platform.backup.archives import StagedFiles, extract
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.job import examine
from orchestration_platform.backup.manifest import Archive, backups_at, read_manifest, unfinished_at
from orchestration_platform.backup.restore import restore, verify_backup
from orchestration_platform.housekeeping.settings import Backup
from shared_lib.warehouse.lease import writing_lease

Instances = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]]


def test_a_restored_platform_continues_where_it_was(
    platform: Platform, instances: Instances, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = UPath("memory://backups") / tmp_path.name
    let_things_happen(platform)
    before = state(platform.instance)
    backup = back_up(platform, place)
    run(platform.instance, "opening", days_ago=0)

    home, data = tmp_path / "elsewhere", tmp_path / "restored"
    home.mkdir()
    with instances(home, monkeypatch):
        pass
    for path in home.iterdir():
        if path.name != "dagster.yaml":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    restore(backup, home, data)

    with dg.DagsterInstance.from_config(str(home)) as restored:
        assert state(restored) == before
        new = run(restored, "counting", days_ago=0)
        assert stored(restored) == {*before["runs"], new}
        last = restored.get_latest_materialization_event(dg.AssetKey("stock"))
        assert last is not None
        assert last.run_id == new
    for name in ("reports/baseline.html", "answers/account.json"):
        assert (data / name).read_bytes() == (platform.data / name).read_bytes()
    with duckdb.connect(str(data / "gocardless.duckdb")) as connection:
        assert connection.sql("select count(*) from unified.transactions").fetchall() == [(1000,)]
    with pytest.raises(BackupError, match="is not empty"):
        restore(backup, home, data)


def die_after_the_warehouses(platform: Platform, place: UPath) -> None:
    def die(*_: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with pytest.MonkeyPatch.context() as patch:
        for name in ("add_sqlite_files", "add_postgres_tables"):
            patch.setattr(f"orchestration_platform.backup.create.{name}", die)
        back_up(platform, place)


def test_a_killed_backup_does_not_count_and_is_removed_later(
    platform: Platform, place: UPath
) -> None:
    child = multiprocessing.get_context("fork").Process(
        target=die_after_the_warehouses, args=(platform, place)
    )
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    assert backups_at(place) == []
    (unfinished,) = unfinished_at(place)
    with pytest.raises(BackupError, match="not a complete backup"):
        verify_backup(unfinished)

    made = back_up(platform, place, day=2)

    assert backups_at(place) == [made]
    assert not unfinished.exists()


def test_only_the_newest_backups_stay(platform: Platform, place: UPath) -> None:
    made = [back_up(platform, place, day=day, keep=2) for day in (1, 2, 3)]

    assert backups_at(place) == made[1:]


@pytest.mark.parametrize("part", [0, 1])
def test_a_damaged_backup_is_found_and_not_restored(
    platform: Platform, place: UPath, tmp_path: Path, part: int
) -> None:
    backup = back_up(platform, place)
    damaged = Path(str(backup), read_manifest(backup).archives[part].name)
    content = bytearray(damaged.read_bytes())
    content[len(content) // 2] ^= 1
    damaged.write_bytes(content)
    home = tmp_path / "elsewhere"
    home.mkdir()
    shutil.copy(platform.home / "dagster.yaml", home)

    with pytest.raises(BackupError, match=f"{damaged.name} is damaged"):
        restore(backup, home, tmp_path / "restored")

    assert [path.name for path in home.iterdir()] == ["dagster.yaml"]
    assert not (tmp_path / "restored").exists()


def test_a_run_that_writes_a_warehouse_is_waited_for(platform: Platform, place: UPath) -> None:
    warehouse = platform.data / "gocardless.duckdb"
    with (
        writing_lease(warehouse, holder="run 7 of sync", wait_seconds=0, on_wait=print),
        pytest.raises(BackupError, match="is being written by run 7 of sync"),
    ):
        back_up(platform, place)
    assert backups_at(place) == []

    assert back_up(platform, place, day=2).exists()


def test_no_run_writes_while_a_warehouse_is_copied(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied = data_directory._copy_warehouse
    refused: list[str] = []

    def copy(path: Path, *arguments: Any, **options: Any) -> None:
        with (
            pytest.raises(RuntimeError, match="a backup") as raised,
            writing_lease(path, holder="a run", wait_seconds=0, on_wait=print),
        ):
            pass
        refused.append(str(raised.value))
        copied(path, *arguments, **options)

    monkeypatch.setattr(data_directory, "_copy_warehouse", copy)
    back_up(platform, place)

    assert refused


def test_warehouses_of_mounted_volumes_are_copied_too(
    platform: Platform, place: UPath, tmp_path: Path
) -> None:
    volume = platform.data / "simulation"
    volume.mkdir()
    (platform.data / "gocardless.duckdb").rename(volume / "gocardless.duckdb")

    backup = back_up(platform, place)

    extract(backup, read_manifest(backup).archives[0], tmp_path / "extracted")
    assert (tmp_path / "extracted" / "simulation" / "gocardless.duckdb").exists()


def test_a_place_without_the_warehouses_makes_no_backup(platform: Platform, place: UPath) -> None:
    (platform.data / "gocardless.duckdb").unlink()

    with pytest.raises(BackupError, match="has no warehouse"):
        back_up(platform, place)

    assert backups_at(place) == []


def test_the_age_of_the_newest_backup_is_watched(platform: Platform, place: UPath) -> None:
    settings = Backup(place=str(place), overdue_hours=30)
    noon = datetime(2026, 5, 2, 12, tzinfo=UTC)
    assert examine(settings, is_needed=False, now=noon)[0]
    back_up(platform, place, day=1)

    fine = examine(settings, is_needed=True, now=datetime(2026, 5, 2, 5, tzinfo=UTC))
    overdue = examine(settings, is_needed=True, now=noon)

    assert fine == (False, "the newest of 1 backups is 29 hours old: backup-20260501T000000Z")
    assert overdue == (True, "the newest of 1 backups is 36 hours old: backup-20260501T000000Z")
    assert examine(Backup(), is_needed=True, now=noon)[0]
    assert not examine(Backup(), is_needed=False, now=noon)[0]


def test_a_place_within_what_is_copied_is_refused(platform: Platform) -> None:
    for directory in (platform.data / "backups", platform.home / "storage" / "backups"):
        with pytest.raises(BackupError, match="each backup would contain those before it"):
            back_up(platform, UPath(str(directory)))
        assert not directory.exists()


def test_runs_and_warehouses_are_free_while_the_copies_are_compressed(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = StagedFiles.write_to
    compressed = []

    def meanwhile(files: StagedFiles, backup: UPath, name: str) -> Archive:
        platform.instance.report_runless_asset_event(dg.AssetMaterialization("meanwhile"))
        with writing_lease(
            platform.data / "gocardless.duckdb", holder="a run", wait_seconds=0, on_wait=print
        ):
            compressed.append(name)
        return compress(files, backup, name)

    monkeypatch.setattr(StagedFiles, "write_to", meanwhile)
    verify_backup(back_up(platform, place))
    assert compressed == ["data.tar.gz", "dagster.tar.gz"]
