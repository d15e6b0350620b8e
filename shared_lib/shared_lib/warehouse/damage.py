"""Recognise a damaged warehouse file, and make room for a new one without deleting anything."""

import re
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb

from shared_lib.warehouse.connection import WarehouseBusyError, read_warehouse


@dataclass(frozen=True)
class Damage:
    """What is wrong with a warehouse.

    Attributes:
        reason: DuckDB's error.
        files: the files to set aside before the warehouse can be used again.
        lost: what is lost with these files.
    """

    reason: str
    files: tuple[Path, ...]
    lost: str


def find_damage(path: Path, *, wait_seconds: float = 0.0) -> Damage | None:
    """Read every row of the warehouse at ``path``; None if it is undamaged, or not there.

    A log of changes without an end is not damaged: DuckDB reads what was committed.

    Raises:
        WarehouseBusyError: a process is writing it, so it can be opened.
    """
    if not path.exists():
        return None
    reason = _error(path, wait_seconds=wait_seconds)
    log = path.with_name(path.name + ".wal")
    if reason is None:
        return None
    if str(log) in reason:
        lost = "the changes since the last checkpoint; everything older is kept"
        return Damage(reason, (log,), lost)
    files = tuple(found for found in (path, log) if found.exists())
    return Damage(reason, files, f"everything in {path.name} since its last backup")


# Permissions, the disk or a newer DuckDB: the file itself may be healthy.
_NOT_DAMAGE = re.compile(r"Permission denied|No space left|newer version|can only read version")


def set_aside(damage: Damage, *, now: float | None = None) -> list[Path]:
    """Rename the damaged files, and return where they are now."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    return [file.rename(f"{file}.damaged-{stamp}") for file in damage.files]


def _error(path: Path, *, wait_seconds: float) -> str | None:
    try:
        with read_warehouse(path, wait_seconds=wait_seconds) as connection:
            tables = connection.execute(
                "select schema_name, table_name from duckdb_tables() where not temporary"
            ).fetchall()
            for schema, table in tables:
                # reads every block
                connection.execute(f'select bit_xor(hash(t)) from "{schema}"."{table}" as t')  # noqa: S608 - names from the catalog
                connection.fetchall()
    except WarehouseBusyError:
        raise
    except (duckdb.Error, UnicodeDecodeError) as error:
        is_healthy = isinstance(error, duckdb.OutOfMemoryException) or _NOT_DAMAGE.search(
            str(error)
        )
        return None if is_healthy else str(error)
    return None
