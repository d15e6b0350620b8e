"""One backup at a time is made at a place; the next waits, or is refused with the holder's name."""

import os
import socket
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from tests.integration.orchestration_platform.backup.backing_up import (
    back_up,
)
from tests.integration.orchestration_platform.backup.conftest import Platform
from upath import UPath

from orchestration_platform.backup import create as creating
from orchestration_platform.backup import place_lock
from orchestration_platform.backup.archives import StagedFiles
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.manifest import Archive, backups_at
from orchestration_platform.backup.place_lock import Holder, holding_place
from orchestration_platform.backup.restore import verify_backup

Instances = Callable[[Path, pytest.MonkeyPatch], AbstractContextManager[dg.DagsterInstance]]


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
