"""A backup is whole or does not count, and a restored platform continues where it was."""

import multiprocessing
import os
import shutil
import signal
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import pytest
import sqlalchemy as sa
from tests.integration.orchestration_platform.backup.conftest import Platform
from tests.integration.orchestration_platform.housekeeping.history import run, stored
from tests.integration.orchestration_platform.housekeeping.test_retention import incident
from upath import UPath

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.alerts.outbox.tables import INCIDENTS
from orchestration_platform.backup import create as creating
from orchestration_platform.backup import data_directory, place_lock
from orchestration_platform.backup.archives import StagedFiles, extract
from orchestration_platform.backup.create import create
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.job import examine
from orchestration_platform.backup.manifest import Archive, backups_at, read_manifest, unfinished_at
from orchestration_platform.backup.place_lock import Holder, holding_place
from orchestration_platform.backup.restore import restore, verify_backup
from orchestration_platform.housekeeping.settings import Backup
from shared_lib.warehouse.lease import writing_lease

Instances = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]]


def back_up(platform: Platform, place: UPath, *, day: int = 1, keep: int = 7) -> UPath:
    return create(
        platform.instance, platform.data, place, keep=keep, wait_seconds=0.0, on_wait=print,
        now=datetime(2026, 5, day, tzinfo=UTC),
    )  # fmt: skip


def state(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What people see of an instance."""
    with Database(database_url(instance)).transaction() as connection:
        incidents = connection.execute(sa.select(INCIDENTS)).mappings().all()
    return {
        "incidents": [dict(row) for row in incidents],
        "runs": {found.run_id: found.status for found in instance.get_runs()},
        "events": {run_id: len(instance.all_logs(run_id)) for run_id in stored(instance)},
        "stock": instance.get_latest_materialization_event(dg.AssetKey("stock")),
        "sales": instance.get_materialized_partitions(dg.AssetKey("sales")),
    }


def let_things_happen(platform: Platform) -> None:
    run(platform.instance, "counting", days_ago=0)
    run(platform.instance, "selling", days_ago=0, partition="north")
    failed = run(platform.instance, "opening", days_ago=0, is_good=False)
    with Database(database_url(platform.instance)).transaction() as connection:
        connection.execute(sa.insert(INCIDENTS), [incident(failed)])


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
    with pytest.raises(BackupError, match="no complete backup"):
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


def test_a_linked_file_is_copied_with_what_it_leads_to(
    platform: Platform, place: UPath, tmp_path: Path
) -> None:
    outside = tmp_path / "account.json"
    outside.write_text('{"booked": [1]}')
    (platform.data / "answers" / "linked.json").symlink_to(outside)

    archives = {one.name: one for one in read_manifest(back_up(platform, place)).archives}
    extract(backups_at(place)[-1], archives["data.tar.gz"], tmp_path / "restored")

    assert (tmp_path / "restored" / "answers" / "linked.json").read_text() == '{"booked": [1]}'


def test_a_backup_that_ends_while_another_waits_stays(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(platform, place, day=1)
    manifest = first / "manifest.json"
    text = manifest.read_text()
    manifest.unlink()
    waiting = creating.no_run_writes

    def end_the_first(*arguments: Any, **options: Any) -> AbstractContextManager[None]:
        manifest.write_text(text)
        return waiting(*arguments, **options)

    monkeypatch.setattr(creating, "no_run_writes", end_the_first)

    assert back_up(platform, place, day=2) == backups_at(place)[-1]
    assert backups_at(place)[0] == first


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


def test_two_backups_to_one_place_are_never_mixed(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = StagedFiles.write_to
    refused: list[str] = []

    def meanwhile(files: StagedFiles, backup: UPath, name: str) -> Archive:
        with pytest.raises(BackupError) as raised:
            back_up(platform, place, day=2)
        refused.append(str(raised.value))
        return compress(files, backup, name)

    with monkeypatch.context() as patch:
        patch.setattr(StagedFiles, "write_to", meanwhile)
        made = back_up(platform, place, day=1)

    assert verify_backup(made)
    assert backups_at(place) == [made]
    assert f"process {os.getpid()} on {socket.gethostname()}" in refused[0]
    assert back_up(platform, place, day=2).exists()


def test_a_backup_waits_for_the_one_that_is_being_made(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place_lock, "_POLL_SECONDS", 0.0)
    waited: list[str] = []
    with ExitStack() as other:
        other.enter_context(holding_place(place, wait_seconds=0, on_wait=print))

        def end_the_other(text: str) -> None:
            waited.append(text)
            other.close()

        with holding_place(place, wait_seconds=60, on_wait=end_the_other):
            pass
    assert len(waited) == 1
    assert f"by process {os.getpid()}" in waited[0]
    assert not (place / "backup.lock").exists()


def test_a_holder_on_another_machine_is_followed_after_half_a_day(place: UPath) -> None:
    def let_another_hold(*, hours: int) -> None:
        since = datetime.now(UTC) - timedelta(hours=hours)
        other = Holder(process="elsewhere:7:1.00", since=since, token="other")
        (place / "backup.lock").write_text(other.model_dump_json())

    place.mkdir()
    let_another_hold(hours=11)
    with (
        pytest.raises(BackupError, match=r"process 7 on elsewhere, since .*; wait for it"),
        holding_place(place, wait_seconds=0, on_wait=print),
    ):
        pass
    let_another_hold(hours=13)
    with holding_place(place, wait_seconds=0, on_wait=print) as check:
        check()


def test_a_backup_whose_place_was_taken_does_not_count(
    platform: Platform, place: UPath, monkeypatch: pytest.MonkeyPatch
) -> None:
    compress = StagedFiles.write_to
    other = Holder(process="elsewhere:7:1.00", since=datetime.now(UTC), token="other")

    def meanwhile(files: StagedFiles, backup: UPath, name: str) -> Archive:
        (place / "backup.lock").write_text(other.model_dump_json())
        return compress(files, backup, name)

    monkeypatch.setattr(StagedFiles, "write_to", meanwhile)
    with pytest.raises(BackupError, match="was taken by process 7 on elsewhere"):
        back_up(platform, place)

    assert backups_at(place) == []
    assert "elsewhere" in (place / "backup.lock").read_text()


def test_a_backup_of_the_same_second_is_not_overwritten(platform: Platform, place: UPath) -> None:
    made = back_up(platform, place)

    with pytest.raises(BackupError, match=f"{made.name} exists"):
        back_up(platform, place)

    assert verify_backup(made)


def moved_elsewhere(folder: Path, volume: Path) -> None:
    """Leave a link where ``folder`` was."""
    folder.rename(volume)
    folder.symlink_to(volume, target_is_directory=True)


def test_linked_directories_are_copied_with_what_is_in_them(
    platform: Platform, place: UPath, tmp_path: Path
) -> None:
    let_things_happen(platform)
    before = state(platform.instance)
    (platform.data / "bank").mkdir()
    (platform.data / "gocardless.duckdb").rename(platform.data / "bank" / "gocardless.duckdb")
    for name in ("bank", "answers"):
        moved_elsewhere(platform.data / name, tmp_path / f"volume_{name}")
    # a second name of the same folder, whose warehouse has the same lease
    (platform.data / "same").symlink_to(tmp_path / "volume_bank")
    moved_elsewhere(platform.home / "storage", tmp_path / "volume_storage")
    linked_home = (platform.home / "history").is_dir()
    if linked_home:
        moved_elsewhere(platform.home / "history", tmp_path / "volume_history")
    # the directory itself may be a link too
    moved_elsewhere(platform.data, tmp_path / "volume_data")

    archives = {one.name: one for one in read_manifest(back_up(platform, place)).archives}
    for archive in archives.values():
        extract(backups_at(place)[-1], archive, tmp_path / "extracted")

    extracted = tmp_path / "extracted"
    assert state(platform.instance) == before
    for name in ("answers/account.json", "bank/gocardless.duckdb", "same/gocardless.duckdb"):
        assert (extracted / name).is_file()
    assert not (extracted / "bank").is_symlink()
    if linked_home:
        assert (extracted / "history" / "runs.db").is_file()
        assert list((extracted / "storage").rglob("*.err"))


@pytest.mark.parametrize("where", ["data", "home"])
def test_a_link_that_leads_nowhere_or_in_a_circle_is_refused_by_name(
    platform: Platform, place: UPath, where: str
) -> None:
    folder = platform.data if where == "data" else platform.home / "storage"
    folder.mkdir(exist_ok=True)
    if where == "home" and not (platform.home / "history").is_dir():
        pytest.skip("with Postgres nothing in the home is copied")
    lost, circle = folder / "lost", folder / "circle"
    lost.symlink_to("/nowhere/warehouses")
    with pytest.raises(BackupError, match=f"{lost} is a link to /nowhere/warehouses, which does"):
        back_up(platform, place)
    lost.unlink()
    circle.symlink_to(folder)
    with pytest.raises(BackupError, match=f"{circle} is a link to {folder}, which it is in"):
        back_up(platform, place)
    assert backups_at(place) == []
    circle.unlink()
    assert back_up(platform, place, day=2).exists()


def test_a_place_within_a_linked_directory_is_refused(platform: Platform, tmp_path: Path) -> None:
    moved_elsewhere(platform.data / "answers", tmp_path / "volume")

    with pytest.raises(BackupError, match="each backup would contain those before it"):
        back_up(platform, UPath(str(tmp_path / "volume" / "backups")))


def test_nothing_is_restored_through_a_link(
    platform: Platform, place: UPath, tmp_path: Path
) -> None:
    backup = back_up(platform, place)
    home, data = tmp_path / "elsewhere", tmp_path / "restored"
    home.mkdir()
    shutil.copy(platform.home / "dagster.yaml", home)
    data.mkdir()
    (tmp_path / "volume").mkdir()
    (data / "answers").symlink_to(tmp_path / "volume")

    with pytest.raises(BackupError, match="answers is a link"):
        restore(backup, home, data)

    assert not list((tmp_path / "volume").iterdir())
