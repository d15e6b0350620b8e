"""Put a backup in place."""

import tempfile
from collections.abc import Collection
from pathlib import Path

import dagster as dg
from dagster._core.instance import InstanceRef
from upath import UPath

from orchestration_platform.alerts.outbox.database import Database, database_url
from orchestration_platform.backup.archives import extract, verify
from orchestration_platform.backup.create import DATA, STORAGE
from orchestration_platform.backup.errors import BackupError, refuse
from orchestration_platform.backup.manifest import Manifest, read_manifest
from orchestration_platform.backup.postgres_tables import restore_postgres_tables
from orchestration_platform.files_below import directories_below, files_below
from orchestration_platform.web.database import WebDatabase
from shared_lib.dagster_client.job_runs import JobRuns
from shared_lib.private_files import keep_files_private

# What people put into a home.
_CONFIGURATION = ("dagster.yaml", "workspace.yaml")


def verify_backup(backup: UPath) -> Manifest:
    """Check that every archive of ``backup`` is what was written; return its manifest.

    Raises:
        BackupError: it is incomplete or damaged.
    """
    manifest = read_manifest(backup)
    for archive in manifest.archives:
        verify(backup, archive)
    return manifest


def restore(backup: UPath, home: Path, data_directory: Path) -> Manifest:
    """Put ``backup`` into an empty home and data directory; return its manifest.

    Args:
        backup: a complete backup.
        home: ``DAGSTER_HOME`` with nothing but its ``dagster.yaml``.
        data_directory: empty, or not there.

    Raises:
        BackupError: the backup is damaged or of another kind of storage, or the place is not empty.
            Nothing was changed.
    """
    keep_files_private()
    manifest = verify_backup(backup)
    check_target(backup, manifest, home, data_directory)
    archives = {archive.name: archive for archive in manifest.archives}
    # the storage last: without it a restore that was killed does not look complete
    data_directory.mkdir(parents=True, exist_ok=True)
    extract(backup, archives[DATA], data_directory)
    if manifest.storage == "sqlite":
        with tempfile.TemporaryDirectory(prefix="restore-", dir=home) as scratch:
            extract(backup, archives[STORAGE], Path(scratch))
            for path in Path(scratch).rglob("*"):
                if path.is_file():
                    target = home / path.relative_to(scratch)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    path.rename(target)
    else:
        with (
            tempfile.TemporaryDirectory() as scratch,
            dg.DagsterInstance.from_config(str(home)) as instance,
        ):
            extract(backup, archives[STORAGE], Path(scratch))
            url = database_url(instance)
            _create_tables(instance, url)
            restore_postgres_tables(url, Path(scratch))
    return manifest


def check_target(backup: UPath, manifest: Manifest, home: Path, data_directory: Path) -> None:
    """Check that ``backup`` can be restored there. Whether Postgres is empty is checked later.

    Raises:
        BackupError: a directory is not empty, or the storage is of another kind.
    """
    _check_is_empty(data_directory)
    kind = _storage_of(home)
    if kind == "sqlite":
        _check_is_empty(home, except_for=_CONFIGURATION)
    if kind != manifest.storage:
        raise BackupError(
            f"{backup} is of a {manifest.storage} storage, but {home / 'dagster.yaml'} configures "
            f"{kind}: restore it into a home with the same kind of storage"
        )


def _check_is_empty(directory: Path, *, except_for: Collection[str] = ()) -> None:
    # folders may be mounted volumes
    for folder in directories_below(directory, refuse=refuse):
        if folder.is_symlink() and folder != directory:
            raise BackupError(
                f"{folder} is a link: a restore writes into no linked directory below {directory}; "
                "remove it"
            )
    files = (path.relative_to(directory) for path in files_below(directory, refuse=refuse))
    found = sorted(str(path) for path in files if str(path) not in except_for)
    if found:
        raise BackupError(
            f"{directory} is not empty ({', '.join(found[:3])}): restore into an empty directory"
        )


def _storage_of(home: Path) -> str:
    """Return the kind of storage that ``home`` configures, without creating it."""
    storage = InstanceRef.from_dir(str(home)).storage_data
    return "postgres" if storage and "Postgres" in storage.class_name else "sqlite"


def _create_tables(instance: dg.DagsterInstance, url: str) -> None:
    """Create every table of the platform that is not there yet."""
    # each storage creates its tables when it is first used
    instance.get_runs(limit=1)
    instance.get_latest_materialization_event(dg.AssetKey("none"))
    instance.all_instigator_state()
    Database(url).close()
    JobRuns(url)
    WebDatabase(url)
