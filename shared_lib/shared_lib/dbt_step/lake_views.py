"""dbt's models that are views, built beside a lake and written into it when dbt has ended.

dbt builds in a database in memory, which has a view of each table and view of the lake. So its
tests read the lake, and the lake gets a view when dbt has built it.
"""

import re
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import duckdb

from shared_lib.warehouse import Warehouse
from shared_lib.warehouse.lake.attachment import attach_lake
from shared_lib.warehouse.lake.claim import Claim
from shared_lib.warehouse.lake.dbt_plugin import LocalCopy, local_copy

_CREATE = re.compile(r"^create view (?:memory\.)?", re.IGNORECASE)


@dataclass
class LakeViews:
    """The database in memory, and the claim of the run on the lake."""

    copy: LocalCopy
    claim: Claim

    # what dbt finds filled is no model
    kept: Collection[str] = ()

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Connect to what dbt has built."""
        return self.copy.connected()

    def exists(self) -> bool:
        """Return whether dbt has opened its database."""
        return self.copy.environment is not None

    def batch_done(self, model: str, year: int) -> None:
        """Do nothing: a view has no batches."""

    def finish(self) -> None:
        """Write the views that differ into the lake.

        Raises:
            ClaimLostError: another run has taken the part over.
            WarehouseConflictError: other processes changed the same views each time.
            WarehouseBusyError: other processes wrote for too long.
        """
        if self.exists():
            self.claim.tried_again(self._publish)

    def _publish(self) -> None:
        location = self.claim.location
        with self.copy.connected() as connection:
            there = _views(connection, location)
            due = [
                definition
                for view, definition in _views(connection, "memory").items()
                if there.get(view) != definition
            ]
            if not due:
                return
            connection.execute(f"use {location}")
            with self.claim.written(connection):
                for view, definition in _views(connection, "memory").items():
                    if definition in due:
                        connection.execute(f"create schema if not exists {view[0]}")
                        connection.execute(f"create or replace view {definition}")


def _views(connection: duckdb.DuckDBPyConnection, database: str) -> dict[tuple[str, str], str]:
    """Return what follows ``create view`` of each view that dbt has built, by schema and name."""
    rows = connection.execute(
        "select schema_name, view_name, sql from duckdb_views() "
        "where database_name = ? and not internal and not starts_with(comment, ?) is true "
        "order by view_oid",
        [database, _OF_THE_LAKE],
    ).fetchall()
    return {
        (schema, name): _CREATE.sub("", sql).replace("memory.", "").strip()
        for schema, name, sql in rows
    }


_OF_THE_LAKE = "of the lake"


@contextmanager
def lake_views(warehouse: Warehouse) -> Iterator[LakeViews]:
    """Let dbt build views on the tables of a lake in memory, and write them under the run's claim.

    Raises:
        RuntimeError: the run has no claim on the lake.
    """
    if warehouse.claim is None:
        raise RuntimeError(f"the run has no claim on the lake's tables of {warehouse.location}")

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        attach_lake(connection, warehouse.location)
        tables = connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where database_name = $lake and not internal union all "
            "select schema_name, view_name from duckdb_views() "
            "where database_name = $lake and not internal",
            {"lake": warehouse.location},
        ).fetchall()
        for schema, table in tables:
            connection.execute(f"create schema if not exists {schema}")
            name = f'{schema}."{table}"'
            connection.execute(f"create view {name} as from {warehouse.location}.{name}")
            connection.execute(f"comment on view {name} is '{_OF_THE_LAKE}'")

    with local_copy(fill) as copy:
        yield LakeViews(copy, warehouse.claim)
