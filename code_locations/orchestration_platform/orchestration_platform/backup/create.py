"""Make a backup."""

import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from upath import UPath

from orchestration_platform.backup.archives import StagedFiles
from orchestration_platform.backup.data_directory import add_data, no_run_writes
from orchestration_platform.backup.errors import BackupError, at_place, refuse
from orchestration_platform.backup.manifest import (
    FILE_NAME,
    Manifest,
    backups_at,
    name_at,
    unfinished_at,
)
from orchestration_platform.backup.place_lock import holding_place
from orchestration_platform.backup.postgres_tables import add_postgres_tables
from orchestration_platform.backup.sqlite_files import add_sqlite_files
from orchestration_platform.files_below import directories_below
from shared_lib.private_files import keep_files_private

DATA = "data.tar.gz"
STORAGE = "dagster.tar.gz"


def create(
    instance: dg.DagsterInstance,
    data_directory: Path,
    place: UPath,
    *,
    keep: int,
    wait_seconds: float,
    on_wait: Callable[[str], None],
    now: datetime | None = None,
) -> UPath:
    """Write a backup to ``place`` and return it; remove the oldest beyond ``keep``.

    Runs that write a warehouse wait while it is made, so that all parts are of one state.

    Args:
        instance: the Dagster instance.
        data_directory: where warehouses and reports are.
        place: a directory or bucket.
        keep: how many complete backups stay.
        wait_seconds: how long to wait for a run that is writing a warehouse, and for a backup
            that is made at ``place``.
        on_wait: called with the holder when waiting starts.
        now: the moment, UTC; the current one if it is not given.

    Raises:
        BackupError: a warehouse or the place stays busy, a file is damaged, or the place is a part
            of what is copied.
    """
    _refuse_place_within(place, data_directory, Path(instance.root_directory))
    keep_files_private()
    with holding_place(place, wait_seconds=wait_seconds, on_wait=on_wait) as check_place:
        made_at = now or datetime.now(UTC)
        abandoned = unfinished_at(place)
        backup = place / name_at(made_at)
        with at_place(place):
            if backup.exists():
                raise BackupError(
                    f"{backup} exists: a backup was begun in the same second; try again"
                )
            backup.mkdir(parents=True)
        postgres = getattr(instance.run_storage, "postgres_url", None)
        with tempfile.TemporaryDirectory() as directory:
            scratch = Path(directory)
            staged = {name: StagedFiles(scratch / f"{name}.staged") for name in (DATA, STORAGE)}
            with no_run_writes(data_directory, wait_seconds=wait_seconds, on_wait=on_wait):
                add_data(data_directory, staged[DATA], scratch, wait_seconds=wait_seconds)
                if postgres:
                    add_postgres_tables(postgres, staged[STORAGE], scratch)
                else:
                    add_sqlite_files(Path(instance.root_directory), staged[STORAGE], scratch)
            with at_place(place):
                written = [files.write_to(backup, name) for name, files in staged.items()]
        manifest = Manifest(
            made_at=made_at, storage="postgres" if postgres else "sqlite", archives=written
        )
        check_place()
        with at_place(place):
            (backup / FILE_NAME).write_text(manifest.model_dump_json(indent=2), encoding="utf-8")
            still = [old for old in abandoned if not (old / FILE_NAME).exists()]
            for old in [*still, *backups_at(place)[:-keep]]:
                # the manifest first, so that no half of it counts as complete
                (old / FILE_NAME).unlink(missing_ok=True)
                old.fs.rm(old.path, recursive=True)
    return backup


def _refuse_place_within(place: UPath, *copied: Path) -> None:
    if place.protocol not in ("", "file", "local"):
        return
    real = Path(place.path).resolve()
    for directory in copied:
        # links among them are followed
        for folder in directories_below(directory, refuse=refuse):
            if real.is_relative_to(folder.resolve()):
                raise BackupError(
                    f"{place} is within {folder}, which is copied: each backup would contain those "
                    "before it; choose a place elsewhere"
                )
