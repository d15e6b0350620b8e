"""Damaged SQLite files below ``DAGSTER_HOME``, and files with two revisions of their schema."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

from orchestration_platform.doctor.finding import Finding
from orchestration_platform.doctor.sqlite_log import unreadable_frames
from orchestration_platform.files_below import files_below

_CONTENTS = {
    "history/runs.db": "the list of runs, queued runs, backfills, and the positions of daemons",
    "history/runs/index.db": "the history of assets and checks, dynamic partitions, slots of pools",
    "schedules/schedules.db": "which schedules and sensors are on, their cursors and ticks",
    "alerts.db": "incidents, messages and mutes of the alerts",
    "web.db": "sessions of people and the record of what they changed",
    "job_runs.db": "for whom jobs were triggered",
}
_STOP = "stop every process that uses this home; then doctor --fix"


def sqlite_findings(home: Path) -> Iterator[Finding]:
    """Examine every SQLite file below ``home``; the logs first, since opening a file uses its log.

    Args:
        home: ``DAGSTER_HOME``.
    """
    for path in files_below(home, refuse=lambda _: None):
        if path.suffix != ".db" or path.relative_to(home).parts[0] == "storage":
            continue  # what steps have stored
        if frames := unreadable_frames(_log(path)):
            yield _torn(home, path, frames)
            continue
        try:
            reason = damage(path)
            revisions = [] if reason else _revisions(path)
        except sqlite3.DatabaseError as error:
            if "locked" not in str(error):
                yield _unreadable(path, error)
            continue
        if reason is not None:
            yield _damaged(home, path, reason)
        elif len(revisions) > 1:
            yield _two_heads(path, revisions)


def damage(path: Path) -> str | None:
    """Return what SQLite says is wrong with the file at ``path``; None if it is sound or in use."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
            found = connection.execute("pragma integrity_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        return str(error)
    return None if found == "ok" else found


def _is_damage(error: Exception) -> bool:
    """Whether the file is wrong, and not the disk, the rights or another process."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
    return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def _unreadable(path: Path, error: Exception) -> Finding:
    return Finding(
        kind="unreadable file",
        problem=f"{path} cannot be opened: {error}",
        lost="nothing is known to be",
        remedy="free disk space, correct owner and mode of the file and its directory, try again",
        blocks_dagster=True,
    )


def _torn(home: Path, path: Path, frames: int) -> Finding:
    log = _log(path)

    def fix() -> str:
        kept = shutil.copy2(log, f"{log}.damaged-{_stamp()}")
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("pragma wal_checkpoint(truncate)")
        return f"took what can be read of {log.name}; a copy of it is {kept}"

    return Finding(
        kind="torn log",
        problem=f"{log}: {frames} pages of the write-ahead log cannot be read",
        lost=f"the last changes of {_contents(home, path)}",
        remedy=f"{_STOP} takes what can be read, and keeps a copy of the log",
        fix=fix,
        blocks_dagster=True,
    )


def _damaged(home: Path, path: Path, reason: str) -> Finding:
    return Finding(
        kind="damaged file",
        problem=f"{path}: {reason}",
        lost=f"what cannot be read of {_contents(home, path)}; all other files keep theirs",
        remedy=f"restore a backup into an empty home, or {_STOP} rebuilds the file if all of its "
        "rows can be read; otherwise it sets the file aside, and Dagster begins a new one",
        fix=partial(_rebuild, path),
        blocks_dagster=True,
    )


def _rebuild(path: Path) -> str:
    rebuilt = path.with_name(f"{path.name}.rebuilt")
    rebuilt.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(rebuilt)) as target:
            target.execute("pragma journal_mode = wal")
            target.executescript("\n".join(source.iterdump()))
        problem = damage(rebuilt)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        if isinstance(error, sqlite3.OperationalError) and not _is_damage(error):
            rebuilt.unlink(missing_ok=True)
            raise
        problem = str(error)
    kept = path.rename(f"{path}.damaged-{_stamp()}")
    for suffix in ("-wal", "-shm"):
        beside = path.with_name(path.name + suffix)
        if beside.exists():
            beside.rename(f"{kept}{suffix}")
    if problem is None:
        rebuilt.rename(path)
        return f"rebuilt {path}; the damaged file is {kept}"
    rebuilt.unlink(missing_ok=True)
    return f"set {path.name} aside as {kept}; its rows cannot be read ({problem})"


def _two_heads(path: Path, revisions: list[str]) -> Finding:
    head = _head(path)

    def fix() -> str:
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute("delete from alembic_version where version_num <> ?", [head])
        return f"{path} has the revision {head} alone"

    return Finding(
        kind="two revisions",
        problem=f"{path} has the revisions {', '.join(revisions)} of its schema: processes started "
        "together on a new home",
        lost="nothing",
        remedy=f"{_STOP} keeps the revision of this release"
        if head in revisions
        else "start the release of Dagster that has one of the revisions",
        fix=fix if head in revisions else None,
        blocks_dagster=True,
    )


def _revisions(path: Path) -> list[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=rw", uri=True)) as connection:
        has_table = "select 1 from sqlite_master where name = 'alembic_version'"
        if connection.execute(has_table).fetchone() is None:
            return []
        query = "select version_num from alembic_version order by version_num"
        return [row[0] for row in connection.execute(query)]


def _head(path: Path) -> str | None:
    """Return the revision that this release of Dagster gives to the file at ``path``."""
    from alembic.script import ScriptDirectory
    from dagster._core.storage.event_log.sqlite import sqlite_event_log
    from dagster._core.storage.runs.sqlite import sqlite_run_storage
    from dagster._core.storage.schedules.sqlite import sqlite_schedule_storage
    from dagster._core.storage.sql import get_alembic_config

    module = {"runs.db": sqlite_run_storage, "schedules.db": sqlite_schedule_storage}.get(
        path.name, sqlite_event_log
    )
    configuration = get_alembic_config(str(module.__file__))
    return ScriptDirectory.from_config(configuration).get_current_head()


def _contents(home: Path, path: Path) -> str:
    relative = str(path.relative_to(home))
    return _CONTENTS.get(relative, f"the log of the run {path.stem}")


def _log(path: Path) -> Path:
    return path.with_name(path.name + "-wal")


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
