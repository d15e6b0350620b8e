"""The data directory: warehouses, reports, and bank answers that are not in a warehouse yet."""

import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import duckdb

from orchestration_platform.backup.archives import StagedFiles
from orchestration_platform.backup.errors import BackupError, refuse
from orchestration_platform.files_below import files_below
from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError, write_warehouse
from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.lease import writing_lease
from shared_lib.warehouse.setting import locations_in_lake

_HOLDER = "a backup"
_POLL_SECONDS = 1.0
# Belong to processes, not to the data.
_NOT_DATA = (".lease", ".tmp", ".wal", ".unfinished")


@contextmanager
def no_run_writes(
    directory: Path, *, wait_seconds: float, on_wait: Callable[[str], None]
) -> Iterator[None]:
    """Hold the lease of every warehouse, in a file or the lake: runs that write one wait.

    Raises:
        BackupError: there is no warehouse, a link leads nowhere, or a run still has a lease after
            ``wait_seconds``.
    """
    with ExitStack() as held:
        found, in_lake = warehouses(directory), locations_in_lake()
        if not found and not in_lake:
            raise BackupError(
                f"{directory} has no warehouse: make backups where the volumes of the locations are"
            )
        deadline = time.monotonic() + wait_seconds
        while True:
            try:
                for path in _one_name_each(found):
                    held.enter_context(
                        writing_lease(path, holder=_HOLDER, wait_seconds=0.0, on_wait=on_wait)
                    )
                for location in in_lake:
                    held.enter_context(
                        hold_location(location, holder=_HOLDER, wait_seconds=0.0, on_wait=on_wait)
                    )
                break
            except WarehouseBusyError as error:
                # runs of the other warehouses wait for a minute only
                held.close()
                if time.monotonic() >= deadline:
                    raise BackupError(str(error)) from error
                time.sleep(_POLL_SECONDS)
        yield


def add_data(directory: Path, archive: StagedFiles, scratch: Path, *, wait_seconds: float) -> None:
    """Add every warehouse and every other file; the caller is in :func:`no_run_writes`.

    Raises:
        BackupError: a warehouse is damaged, or held by a program.
    """
    in_lake = locations_in_lake()
    for location in in_lake:
        _add_lake(location, directory, archive, scratch)
    for path in warehouses(directory):
        if path.stem in in_lake:
            continue  # from before the lake
        copy = scratch / path.name
        _copy_warehouse(path, copy, wait_seconds=wait_seconds)
        archive.add(copy, str(path.relative_to(directory)))
        copy.unlink()
    for path in files_below(directory, refuse=refuse):
        if path.suffix not in (*_NOT_DATA, ".duckdb"):
            archive.add(path, str(path.relative_to(directory)))


def _add_lake(location: str, directory: Path, archive: StagedFiles, scratch: Path) -> None:
    """Add the tables of a lake as the warehouse file that the location would have."""
    # needs Postgres, as a file does not
    from shared_lib.warehouse.lake.migration import export_lake

    copy = scratch / f"{location}.duckdb"
    try:
        export_lake(location, copy)
    except WarehouseMissingError:
        return
    before = [path for path in warehouses(directory) if path.name == copy.name]
    name = before[0].relative_to(directory) if before else copy.name
    archive.add(copy, str(name))
    copy.unlink()


def warehouses(directory: Path) -> list[Path]:
    """Return the warehouses below ``directory``: in a container each volume is a folder of it.

    Raises:
        BackupError: a link leads nowhere.
    """
    found = files_below(directory, refuse=refuse)
    return sorted(path for path in found if path.suffix == ".duckdb")


def _one_name_each(found: list[Path]) -> list[Path]:
    """Return one path for each lease: two names of one folder have the same."""
    return list({(path.parent.resolve(), path.name): path for path in found}.values())


def _copy_warehouse(path: Path, copy: Path, *, wait_seconds: float) -> None:
    try:
        with write_warehouse(path, wait_seconds=wait_seconds) as connection:
            # all of it is then in the one file
            connection.execute("checkpoint")
            # Another process: closing the file in this one would free DuckDB's lock on it.
            subprocess.run([str(shutil.which("cp")), path, copy], check=True)  # noqa: S603 - our paths
        duckdb.connect(str(copy), read_only=True).close()
    except WarehouseBusyError as error:
        raise BackupError(str(error)) from error
    except (duckdb.Error, subprocess.CalledProcessError) as error:
        raise BackupError(f"{path} cannot be copied: {error}") from error
