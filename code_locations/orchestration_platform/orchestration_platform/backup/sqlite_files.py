"""Dagster's SQLite files, with the tables of alerts and of triggered jobs, at one moment."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from orchestration_platform.backup.archives import StagedFiles
from orchestration_platform.backup.errors import BackupError, refuse
from orchestration_platform.files_below import files_below

_INDEX = Path("history", "runs", "index.db")
_RUNS = Path("history", "runs.db")
# What every process waits for at most.
_BUSY_SECONDS = 30.0
_ENDED = ("SUCCESS", "FAILURE", "CANCELED")


def add_sqlite_files(home: Path, archive: StagedFiles, scratch: Path) -> None:
    """Add every database below ``home``, and what runs printed and stored.

    No process writes to the files that all runs share while they are copied, which takes seconds;
    processes wait for that. The files of runs that have ended do not change any more.

    Args:
        home: ``DAGSTER_HOME``.
        archive: where they go.
        scratch: an empty directory for one copy at a time.

    Raises:
        BackupError: a file is damaged, or stays locked, or a link leads nowhere.
    """
    shared = [path for path in _databases(home) if not _is_of_run(path)]
    with _nobody_writes(home, shared):
        unfinished = {Path("history", "runs", f"{run_id}.db") for run_id in _unfinished(home)}
        for path in [*shared, *sorted(unfinished)]:
            if (home / path).exists():
                _add_copy(home, path, archive, scratch)
    # a run that is deleted meanwhile takes its files with it
    for path in _databases(home):
        if _is_of_run(path) and path not in unfinished and (home / path).exists():
            _add_copy(home, path, archive, scratch)
    for path in files_below(home / "storage", refuse=refuse):
        with suppress(FileNotFoundError):
            archive.add(path, str(path.relative_to(home)))


def _databases(home: Path) -> list[Path]:
    found = (path.relative_to(home) for path in files_below(home, refuse=refuse))
    # what steps have stored is copied as files
    return sorted(path for path in found if path.suffix == ".db" and path.parts[0] != "storage")


def _is_of_run(path: Path) -> bool:
    return path.parent == _INDEX.parent and path != _INDEX


@contextmanager
def _nobody_writes(home: Path, paths: list[Path]) -> Iterator[None]:
    with ExitStack() as held:
        for path in paths:
            connection = held.enter_context(closing(_open(home / path)))
            with _explained(home / path):
                connection.execute("begin immediate")
        yield


def _unfinished(home: Path) -> list[str]:
    with closing(_open(home / _RUNS)) as connection, _explained(home / _RUNS):
        marks = ",".join("?" * len(_ENDED))
        query = f"select run_id from runs where status not in ({marks})"  # noqa: S608 - question marks
        return [row[0] for row in connection.execute(query, _ENDED)]


def _add_copy(home: Path, path: Path, archive: StagedFiles, scratch: Path) -> None:
    copy = scratch / "copy.db"
    copy.unlink(missing_ok=True)
    with (
        closing(_open(home / path)) as connection,
        closing(sqlite3.connect(copy)) as target,
        _explained(home / path),
    ):
        connection.backup(target)
    archive.add(copy, str(path))


def _open(path: Path) -> sqlite3.Connection:
    # an empty file would be created in place of one that is missing
    address = f"{path.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=_BUSY_SECONDS, isolation_level=None)


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.DatabaseError as error:
        raise BackupError(f"{path} cannot be copied: {error}") from error
