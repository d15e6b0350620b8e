"""Backups in a bucket, at a server with the API of S3."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from s3fs import S3FileSystem
from tests.integration.orchestration_platform.alerts.databases import sqlite_instance
from tests.integration.orchestration_platform.backup.backing_up import (
    back_up,
    let_things_happen,
    state,
)
from tests.integration.orchestration_platform.backup.conftest import Platform
from tests.support.object_store import (
    BUCKET,
    Fault,
    ObjectStore,
    answer,
    object_store,
)
from upath import UPath

from orchestration_platform.backup.__main__ import main
from orchestration_platform.backup.errors import BackupError
from orchestration_platform.backup.job import examine
from orchestration_platform.backup.manifest import backups_at, read_manifest, unfinished_at
from orchestration_platform.backup.place_lock import holding_place
from orchestration_platform.backup.restore import restore, verify_backup
from orchestration_platform.housekeeping.settings import Backup


@pytest.fixture
def instances(empty_sqlite: Path):
    return lambda home, patch: sqlite_instance(empty_sqlite, home, patch)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[ObjectStore]:
    with object_store() as found:
        variables = {
            "AWS_ENDPOINT_URL": found.url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }
        for variable, value in variables.items():
            monkeypatch.setenv(variable, value)
        S3FileSystem.clear_instance_cache()
        S3FileSystem().mkdir(BUCKET)
        yield found
        S3FileSystem.clear_instance_cache()


@pytest.fixture
def place(store: ObjectStore) -> UPath:
    return UPath(f"s3://{BUCKET}/platform")


def test_a_platform_is_restored_from_a_bucket(
    platform: Platform, place: UPath, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    let_things_happen(platform)
    before = state(platform.instance)
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(platform.data))
    assert main(["create", "--place", str(place)]) == 0
    assert main(["verify", "--place", str(place)]) == 0
    assert main(["list", "--place", str(place)]) == 0
    assert "MB s3://backups/platform/backup-" in capsys.readouterr().out

    home, data = tmp_path / "elsewhere", tmp_path / "restored"
    home.mkdir()
    (home / "dagster.yaml").write_text((platform.home / "dagster.yaml").read_text())
    monkeypatch.setenv("PLATFORM_DATA_DIRECTORY", str(data))
    with monkeypatch.context() as patch:
        patch.setenv("DAGSTER_HOME", str(home))
        assert main(["restore", "--place", str(place)]) == 0

    with dg.DagsterInstance.from_config(str(home)) as restored:
        assert state(restored) == before
    assert (data / "answers" / "account.json").exists()
    made = [back_up(platform, place, day=day, keep=2) for day in (1, 2, 3)]
    assert backups_at(place)[-1] != made[-1]
    assert not (place / "backup.lock").exists()


def test_a_backup_that_is_killed_while_it_is_sent_does_not_count(
    platform: Platform, store: ObjectStore, place: UPath
) -> None:
    assert backups_at(place) == []
    program = [sys.executable, "-m", "orchestration_platform.backup", "create"]
    environment = {**os.environ, "PLATFORM_DATA_DIRECTORY": str(platform.data)}
    killed = subprocess.Popen([*program, "--place", str(place)], env=environment)

    def kill(method: str, path: str) -> None:
        if method == "PUT" and path.endswith("dagster.tar.gz"):
            killed.send_signal(signal.SIGKILL)
            killed.wait()

    store.before = kill
    assert killed.wait(120) == -signal.SIGKILL
    store.before = answer
    assert backups_at(place) == []
    (unfinished,) = unfinished_at(place)
    with pytest.raises(BackupError, match="not a complete backup"):
        verify_backup(unfinished)

    made = back_up(platform, place)

    assert backups_at(place) == [made]
    assert unfinished_at(place) == []
    assert verify_backup(made)


def test_answers_503_are_waited_out(platform: Platform, store: ObjectStore, place: UPath) -> None:
    refused: list[str] = []

    def refuse_each_once(method: str, path: str) -> Fault | None:
        request = f"{method} {path}"
        if method not in {"PUT", "GET"} or request in refused:
            return None
        refused.append(request)
        return 503

    store.before = refuse_each_once
    made = back_up(platform, place)

    assert verify_backup(made)
    assert len(refused) >= 4


def test_a_bucket_that_answers_503_for_good_fails_in_words_and_counts_nothing(
    platform: Platform, store: ObjectStore, place: UPath, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    # each answer is asked for 25 times otherwise
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr(S3FileSystem, "retries", 1)
    S3FileSystem.clear_instance_cache()
    place = UPath(str(place))
    store.before = lambda method, path: (
        503 if method == "PUT" and path.endswith(".tar.gz") else None
    )
    with pytest.raises(BackupError, match=r"s3://backups/platform: .*later \(OSError\)"):
        back_up(platform, place)
    store.before = answer
    assert backups_at(place) == []
    made = back_up(platform, place, day=2)

    store.before = lambda method, path: (
        503 if method == "GET" and path.endswith(".tar.gz") else None
    )
    with pytest.raises(BackupError, match="s3://backups/platform"):
        restore(made, platform.home, tmp_path / "restored")
    assert not (tmp_path / "restored").exists()


def test_what_is_damaged_in_a_bucket_is_found(platform: Platform, place: UPath) -> None:
    made = back_up(platform, place)
    damaged = made / read_manifest(made).archives[0].name
    damaged.write_bytes(damaged.read_bytes()[:-1])

    with pytest.raises(BackupError, match=r"data.tar.gz is damaged"):
        verify_backup(made)


def test_a_bucket_that_does_not_answer_fails_in_words(
    store: ObjectStore, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    instance: dg.DagsterInstance,
) -> None:  # fmt: skip
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    S3FileSystem.clear_instance_cache()

    assert main(["list", "--place", f"s3://{BUCKET}/platform"]) == 1
    assert main(["verify", "--place", f"s3://{BUCKET}/platform", "--name", "backup"]) == 1

    assert "s3://backups/platform: Could not connect" in capsys.readouterr().err
    settings = Backup(place=f"s3://{BUCKET}/platform")
    problem, text = examine(settings, is_needed=False, now=datetime.now(UTC))
    assert (problem, "Could not connect" in text) == (True, True)


def test_a_bucket_has_one_backup_at_a_time(platform: Platform, place: UPath) -> None:
    with (
        holding_place(place, wait_seconds=0, on_wait=print),
        pytest.raises(BackupError, match=f"by process {os.getpid()} on"),
    ):
        back_up(platform, place)

    assert back_up(platform, place).exists()
