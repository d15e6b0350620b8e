"""Move the tables of a location from its file into the lake, or back, with the same rows.

A lake gets all of them in one transaction, a file under another name until it is complete: so a
killed migration leaves the target as it was. The source is only read.
"""

import os
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter
from pathlib import Path

import duckdb

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse.connection import WarehouseMissingError, open_memory, write_warehouse
from shared_lib.warehouse.lake.attachment import attach_lake, open_lake, require_lake
from shared_lib.warehouse.lake.lease import lake_lease
from shared_lib.warehouse.lease import writing_lease
from shared_lib.warehouse.setting import Backend
from shared_lib.warehouse.transaction import transaction

_HOLDER = "a migration of the tables"
# the name of the attached file
_FILE = "warehouse_file"
# of claims, which only a lake needs
_CLAIMS = "claims"
Digests = Mapping[str, tuple[int, str]]


class MigrationRefusedError(RuntimeError):
    """Nothing was moved; the message says why."""


@dataclass(frozen=True, kw_only=True)
class Layout:
    """What a location has in its warehouse.

    Attributes:
        create: creates and migrates the tables that Python writes, with keys where the place has
            them.
        is_moved: whether a table of a schema is moved; the next run makes the others.
    """

    create: Callable[[duckdb.DuckDBPyConnection], None]
    is_moved: Callable[[str, str], bool]


_AS_IT_IS = Layout(create=lambda _: None, is_moved=lambda *_: True)


@dataclass(frozen=True, kw_only=True)
class Migrated:
    """What was moved.

    Attributes:
        source: where the tables still are.
        target: where the copies are.
        digests: the number of rows and a digest of each table and view, the same in both.
        kept: the new path of the file that was replaced.
    """

    source: str
    target: str
    digests: Digests
    kept: Path | None


def migrate(location: str, layout: Layout, *, to: Backend, may_replace: bool = False) -> Migrated:
    """Copy the tables and views of ``location`` to the other place, and compare their rows.

    Args:
        location: the code location.
        layout: what it has.
        to: the place that gets them; the other one is the source.
        may_replace: whether to replace what the target has. A lake keeps it in older snapshots, a
            file is renamed.

    Raises:
        MigrationRefusedError: the target has tables, and they may not be replaced; or a table or
            view has other rows in the copy.
        WarehouseBusyError: a run is writing one of the two; names it.
        WarehouseMissingError: the source has nothing.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    path = current_settings().warehouse_path(location)
    with (
        writing_lease(path, holder=_HOLDER, wait_seconds=0, on_wait=_ignore),
        lake_lease(location, holder=_HOLDER, wait_seconds=0, on_wait=_ignore),
    ):
        if to is Backend.LAKE:
            return _into_lake(location, path, layout, may_replace=may_replace)
        return _into_file(location, path, layout, may_replace=may_replace)


def _into_lake(location: str, path: Path, layout: Layout, *, may_replace: bool) -> Migrated:
    if not path.exists():
        raise WarehouseMissingError(f"{path} does not exist: nothing has been written to it yet")
    # so that both have the layout of this release
    with write_warehouse(path, wait_seconds=0) as connection:
        layout.create(connection)
    with open_memory() as connection:
        attach_lake(connection, location)
        _attach(connection, path, options="read_only")
        connection.execute(f"use {location}")
        with transaction(connection):
            found = _relations(connection, location)
            if found and not may_replace:
                raise _refused(f"the lake has {len(found)} tables and views of {location}")
            for relation, kind in reversed(found.items()):
                connection.execute(f"drop {kind} {relation}")
            digests = _copy(connection, source=_FILE, target=location, layout=layout)
            connection.execute(
                "call ducklake_set_commit_message(?, ?, ?)", [location, _HOLDER, str(path)]
            )
    return Migrated(source=str(path), target="the lake", digests=digests, kept=None)


def _into_file(location: str, path: Path, layout: Layout, *, may_replace: bool) -> Migrated:
    require_lake(location)
    if path.exists() and not may_replace:
        raise _refused(f"{path} exists")
    with open_lake(location) as connection:
        layout.create(connection)
    new = path.with_name(f"{path.name}.migrating")
    for left in (new, new.with_name(f"{new.name}.wal")):
        left.unlink(missing_ok=True)
    digests = _written(new, location, layout)
    kept = _put(new, path)
    return Migrated(source="the lake", target=str(path), digests=digests, kept=kept)


def export_lake(location: str, path: Path) -> Digests:
    """Write the tables and views of a lake into a new file, from which a migration can take them.

    Raises:
        WarehouseMissingError: the lake has no tables of the location.
    """
    require_lake(location)
    return _written(path, location, _AS_IT_IS)


def _written(path: Path, location: str, layout: Layout) -> Digests:
    """Copy a lake into a new file."""
    with open_memory() as connection:
        attach_lake(connection, location)
        _attach(connection, path)
        connection.execute(f"use {_FILE}")
        with transaction(connection):
            digests = _copy(connection, source=location, target=_FILE, layout=layout)
        connection.execute("use memory")
        # writes the log into the file, and removes it
        connection.execute(f"detach {_FILE}")
    return digests


def _put(new: Path, path: Path) -> Path | None:
    """Rename ``new`` to ``path``; return the new path of the file that was there."""
    kept = None
    if path.exists():
        with write_warehouse(path, wait_seconds=0) as connection:
            connection.execute("checkpoint")  # its log would be read as that of the new file
        kept = path.with_name(time.strftime(f"{path.name}.replaced-%Y%m%dT%H%M%SZ", time.gmtime()))
        os.link(path, kept)
    new.replace(path)
    return kept


def _copy(
    connection: duckdb.DuckDBPyConnection, *, source: str, target: str, layout: Layout
) -> Digests:
    """Copy tables with their rows, and views; return the digest of the rows of each.

    Raises:
        MigrationRefusedError: a table or view has other rows than its source.
    """
    layout.create(connection)
    relations = _relations(connection, source)
    there = _relations(connection, target)
    digests: dict[str, tuple[int, str]] = {}
    for relation, kind in relations.items():
        schema, _, name = relation.partition(".")
        connection.execute(f"create schema if not exists {schema}")
        if kind == "view":
            if relation not in there:
                connection.execute(_definition(connection, source, relation))
        elif layout.is_moved(schema, name):
            if relation not in there:
                connection.execute(f"create table {relation} as from {source}.{relation} limit 0")
            connection.execute(f"delete from {relation}")  # noqa: S608 - names from the catalog
            connection.execute(f"insert into {relation} by name from {source}.{relation}")
        else:
            continue
        # a view reads the tables of its own database
        before = _digest(connection, source, relation)
        digests[relation] = _digest(connection, target, relation)
        if digests[relation] != before:
            rows, digest = digests[relation]
            raise MigrationRefusedError(
                f"{relation} has {before[0]:,} rows with the digest {before[1]} in the source, "
                f"and {rows:,} with {digest} in the copy: nothing was moved"
            )
    return digests


def _digest(connection: duckdb.DuckDBPyConnection, database: str, relation: str) -> tuple[int, str]:
    """Return the number of rows, and a digest that does not depend on their order."""
    schema, _, name = relation.partition(".")
    columns = connection.execute(
        "select column_name from duckdb_columns() "
        "where database_name = ? and schema_name = ? and table_name = ? order by column_name",
        [database, schema, name],
    ).fetchall()
    # with the names, which the hash of a row does not have
    row = ", ".join(f"'{column}', \"{column}\"" for (column,) in columns)
    found = connection.execute(
        "select count(*), "  # noqa: S608 - names from the catalog
        f"md5(coalesce(sum(hash({row})::hugeint), 0)::varchar) from {database}.{relation}"
    ).fetchone()
    if found is None:
        raise LookupError(f"counting the rows of {relation} returned no row")
    return found


def _relations(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, str]:
    """Return the tables, then the views in the order in which they can be made, with their kind."""
    tables = connection.execute(
        "select schema_name || '.' || table_name from duckdb_tables() "
        "where database_name = ? and not internal and schema_name <> ? order by all",
        [database, _CLAIMS],
    ).fetchall()
    views = dict(
        connection.execute(
            "select schema_name || '.' || view_name, sql from duckdb_views() "
            "where database_name = ? and not internal order by all",
            [database],
        ).fetchall()
    )
    # DuckDB binds a view when it is made
    read = {
        view: [
            other for other in views if other != view and re.search(rf"\b{re.escape(other)}\b", sql)
        ]
        for view, sql in views.items()
    }
    return dict.fromkeys((table for (table,) in tables), "table") | dict.fromkeys(
        TopologicalSorter(read).static_order(), "view"
    )


def _definition(connection: duckdb.DuckDBPyConnection, database: str, view: str) -> str:
    schema, _, name = view.partition(".")
    found = connection.execute(
        "select sql from duckdb_views() "
        "where database_name = ? and schema_name = ? and view_name = ?",
        [database, schema, name],
    ).fetchone()
    if found is None:
        raise LookupError(f"{view} of {database} has no definition")
    explicit = _QUOTED.sub(lambda part: part[0] if part[1] else " cross join ", found[0])
    # a lake leaves the schema out
    return re.sub(r"^CREATE VIEW (?:\w+\.)?", f"create view {schema}.", explicit)


# DuckDB prints a cross join that it has read from a file as a comma, with a space on either side.
# A comma binds less than the joins after it, whose conditions may name what is before it.
_QUOTED = re.compile(r"""('(?:[^']|'')*'|"(?:[^"]|"")*")| , """)


def _attach(connection: duckdb.DuckDBPyConnection, path: Path, *, options: str = "") -> None:
    quoted = str(path).replace("'", "''")
    connection.execute(f"attach '{quoted}' as {_FILE}" + (f" ({options})" if options else ""))


def _refused(reason: str) -> MigrationRefusedError:
    return MigrationRefusedError(f"{reason}, and nothing was moved: --replace replaces it")


def _ignore(_: str) -> None:
    """Report no wait, because nothing waits."""
