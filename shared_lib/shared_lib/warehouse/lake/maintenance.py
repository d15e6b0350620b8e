"""Keeps a lake small: merges small files, and deletes those that nothing needs.

Each year that a run writes is a file, and so is each set of rows that it deletes. DuckLake keeps
them for older snapshots, and a killed transaction leaves files that belong to no snapshot.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import duckdb

from shared_lib.warehouse.backends import hold_location
from shared_lib.warehouse.connection import DEFAULT_WAIT_SECONDS
from shared_lib.warehouse.lake.attachment import open_lake, require_lake
from shared_lib.warehouse.lake.lease import lake_turn

# A reader may still use a file that is no longer needed, and a transaction has not yet recorded its
# files in the catalog: none takes that long.
UNTOUCHED = timedelta(days=1)

# the share of deleted rows from which on a file is written anew without them
_REWRITTEN_FROM = 0.5


@dataclass(frozen=True, kw_only=True)
class Maintained:
    """What a pass did to a lake, or would do.

    Attributes:
        is_dry: whether it changed nothing.
        files: the number of files in use by table, before.
        merged: how many of them were merged or rewritten, by table; unknown in a dry pass.
        snapshots: the snapshots that were expired.
        old_files: the files that no snapshot needs any more.
        orphans: the files of killed transactions.
    """

    is_dry: bool
    files: Mapping[str, int]
    merged: Mapping[str, int]
    snapshots: Sequence[int]
    old_files: Sequence[str]
    orphans: Sequence[str]

    def rows(self) -> list[dict[str, Any]]:
        """Return what goes, as a table: of each table or directory what and how many."""
        rows: list[dict[str, Any]] = []
        if self.snapshots:
            first, last = min(self.snapshots), max(self.snapshots)
            rows.append(_row("snapshot", f"{first} to {last}", len(self.snapshots)))
        small = {table: number for table, number in self.files.items() if number > 1}
        for table, number in sorted((small if self.is_dry else self.merged).items()):
            rows.append(_row("file to look at" if self.is_dry else "merged file", table, number))
        for kind, paths in (("old file", self.old_files), ("orphan", self.orphans)):
            rows += [_row(kind, table, number) for table, number in sorted(_by_table(paths))]
        return rows

    def __str__(self) -> str:
        """Return a summary in one line."""
        would = "would be deleted" if self.is_dry else "deleted"
        return (
            f"{sum(self.files.values())} files in {len(self.files)} tables; "
            f"{len(self.snapshots)} snapshots, {len(self.old_files)} old files and "
            f"{len(self.orphans)} orphans {would}"
        )


def maintain_lake(
    location: str,
    *,
    keep: timedelta,
    is_dry: bool,
    untouched: timedelta = UNTOUCHED,
    wait_seconds: float = DEFAULT_WAIT_SECONDS,
    on_wait: Callable[[str], None],
) -> Maintained:
    """Expire old snapshots, merge small files, and delete files that nothing needs.

    Runs continue meanwhile: each statement takes its turn among their transactions. After a killed
    pass the next one does the rest.

    Args:
        location: the code location.
        keep: for how long the lake can be read as it was.
        is_dry: only report.
        untouched: the age from which on a file may be deleted.
        wait_seconds: how long to wait for a run that holds the whole location.
        on_wait: called once with the holder when waiting starts.

    Raises:
        WarehouseBusyError: a run holds the whole location, or its turn did not come.
        WarehouseMissingError: the lake has no tables of the location.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    now = datetime.now(UTC)
    require_lake(location)
    if is_dry:
        # not read-only: DuckLake lists old files only to those that may delete them
        with open_lake(location) as connection:
            return _pass(connection, location, now - keep, now - untouched, is_dry=True)
    with (
        hold_location(
            location,
            part="maintenance",
            holder="the maintenance of the lake",
            wait_seconds=wait_seconds,
            on_wait=on_wait,
        ),
        open_lake(location) as connection,
    ):
        return _pass(connection, location, now - keep, now - untouched, is_dry=False)


def _pass(
    connection: duckdb.DuckDBPyConnection,
    location: str,
    expired: datetime,
    untouched: datetime,
    *,
    is_dry: bool,
) -> Maintained:
    def call(function: str, **options: object) -> list[tuple[Any, ...]]:
        named = "".join(f", {name} => ${name}" for name in options)
        statement = f"call {function}('{location}'{named})"
        if is_dry:
            return connection.execute(statement, options).fetchall()
        with lake_turn(location):
            return connection.execute(statement, options).fetchall()

    files = _files(connection, location)
    snapshots = call("ducklake_expire_snapshots", older_than=expired, dry_run=is_dry)
    merged: Counter[str] = Counter()
    if not is_dry:
        # rows that DuckLake has put into the catalog, because they were few
        call("ducklake_flush_inlined_data")
        for function, options in (
            ("ducklake_rewrite_data_files", {"delete_threshold": _REWRITTEN_FROM}),
            ("ducklake_merge_adjacent_files", {}),
        ):
            for schema, table, processed, _ in call(function, **options):
                merged[f"{schema}.{table}"] += processed
    return Maintained(
        is_dry=is_dry,
        files=files,
        merged=merged,
        snapshots=[snapshot for snapshot, *_ in snapshots],
        old_files=[
            path
            for (path,) in call("ducklake_cleanup_old_files", older_than=untouched, dry_run=is_dry)
        ],
        orphans=[
            path
            for (path,) in call(
                "ducklake_delete_orphaned_files", older_than=untouched, dry_run=is_dry
            )
        ],
    )


def _files(connection: duckdb.DuckDBPyConnection, location: str) -> dict[str, int]:
    """Return the number of files of each table that has any, with those of deleted rows."""
    catalog = f"__ducklake_metadata_{location}.lake_{location}"
    return dict(
        connection.execute(
            "select schemas.schema_name || '.' || info.table_name, "  # noqa: S608 - our own names
            "(info.file_count + info.delete_file_count)::bigint "
            f"from ducklake_table_info('{location}') as info "
            f"inner join {catalog}.ducklake_schema as schemas "
            "on info.schema_id = schemas.schema_id and schemas.end_snapshot is null "
            "where info.file_count > 0 order by all"
        ).fetchall()
    )


def _by_table(paths: Sequence[str]) -> list[tuple[str, int]]:
    """Count files by the directories of their schema and table."""
    return [*Counter(".".join(PurePosixPath(path).parts[-3:-1]) for path in paths).items()]


def _row(what: str, where: str, number: int) -> dict[str, Any]:
    return {"what": what, "where": where, "number": number}
