"""Links are followed, or refused by name."""

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import dagster as dg
import pytest
from tests.integration.orchestration_platform.backup.backing_up import (
    back_up,
    let_things_happen,
    state,
)
from tests.integration.orchestration_platform.backup.conftest import Platform
from upath import UPath

from orchestration_platform.backup.archives import extract
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.manifest import backups_at, read_manifest
from orchestration_platform.backup.restore import restore

Instances = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]]


def test_a_linked_file_is_copied_with_what_it_leads_to(
    platform: Platform, place: UPath, tmp_path: Path
) -> None:
    outside = tmp_path / "account.json"
    outside.write_text('{"booked": [1]}')
    (platform.data / "answers" / "linked.json").symlink_to(outside)

    archives = {one.name: one for one in read_manifest(back_up(platform, place)).archives}
    extract(backups_at(place)[-1], archives["data.tar.gz"], tmp_path / "restored")

    assert (tmp_path / "restored" / "answers" / "linked.json").read_text() == '{"booked": [1]}'


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
