"""Create Dagster's SQLite files in one process at a time.

Dagster creates each file when it first opens it: the tables, then the revision of their schema. A
second process that opens the file in between finds tables without a revision, assumes an old
release and stamps that release's revision next to the current one. Dagster never opens such a file
again.
"""

import sqlite3
from contextlib import closing
from pathlib import Path

from filelock import BaseFileLock, FileLock

# The contents of each file below DAGSTER_HOME. The files of single runs are not included: Dagster
# always stamps them with the current revision, and tries again if another process was faster.
_CONTENTS = {
    Path("history", "runs.db"): (
        "the list of runs with their tags, queued runs, backfills, and the positions of daemons"
    ),
    Path("history", "runs", "index.db"): (
        "the history of assets and checks, dynamic partitions, and slots of pools"
    ),
    Path("schedules", "schedules.db"): (
        "which schedules and sensors are on or off, their cursors, and the history of their ticks"
    ),
}


class DamagedStorageError(RuntimeError):
    """A SQLite file has two revisions; the text says which file to remove and what is lost."""


def creation_lock(directory: Path) -> BaseFileLock:
    """Return the lock for creating files in ``directory``; the kernel frees it on a crash."""
    return FileLock(directory / "creation.lock", poll_interval=0.01)


def check_revisions(home: Path) -> None:
    """Check that every Dagster file below ``home`` has one revision or does not exist yet.

    Raises:
        DamagedStorageError: a file has several revisions.
    """
    damaged = {
        home / path: contents
        for path, contents in _CONTENTS.items()
        if (home / path).exists() and _revisions(home / path) > 1
    }
    if damaged:
        files = "\n".join(f"  {path}: {contents}" for path, contents in damaged.items())
        raise DamagedStorageError(
            "Dagster's storage is damaged: processes that started together on a new DAGSTER_HOME "
            f"left a file with two revisions. Stop every process that uses {home}, remove each "
            "file below together with the files -wal and -shm beside it, and start again. This "
            f"loses what the file has; all other files keep theirs:\n{files}"
        )


def is_stamped(path: Path) -> bool:
    """Return whether Dagster has created the file at ``path`` to the end."""
    return path.exists() and _revisions(path) > 0


def schema_of(path: Path) -> str:
    """Return the SQL that creates what the file at ``path`` consists of, with its revision."""
    with closing(sqlite3.connect(path)) as connection:
        return "pragma journal_mode = wal;\n" + "\n".join(connection.iterdump())


def create_from(schema: str, path: Path) -> None:
    """Create the file at ``path`` from ``schema``, in one transaction."""
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(schema)


def _revisions(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        is_there = connection.execute(
            "select count(*) from sqlite_master where name = 'alembic_version'"
        ).fetchone()[0]
        if not is_there:
            return 0
        return connection.execute("select count(*) from alembic_version").fetchone()[0]
