"""A small warehouse that tests move, also in a process of its own: little is imported."""

import time
from multiprocessing.connection import Connection
from unittest import mock

import duckdb

from shared_lib.warehouse.lake import migration
from shared_lib.warehouse.lake.migration import Layout, Migrated
from shared_lib.warehouse.setting import Backend

LOCATION = "simulation"


def _create(connection: duckdb.DuckDBPyConnection) -> None:
    kind = connection.execute(
        "select type from duckdb_databases() where database_name = current_database()"
    ).fetchone()
    key = "" if kind == ("ducklake",) else "primary key"
    connection.execute(
        f"create schema if not exists raw; "
        f"create table if not exists raw.people (id integer {key}, name varchar not null)"
    )


def _is_moved(schema: str, table: str) -> bool:
    return (schema, table) != ("raw", "passing")


LAYOUT = Layout(create=_create, is_moved=_is_moved)


def fill(connection: duckdb.DuckDBPyConnection) -> None:
    """Write what a location may have: keys, lists, maps, views on views, and a cross join."""
    _create(connection)
    connection.execute(
        """
        insert into raw.people select range, 'name ' || range from range(1000);
        create table raw.nothing (a integer);
        create table raw.passing as select 1 as a;
        create table raw.kinds as
        select
            [1, null] as list,
            map {'a': 'b'} as pairs,
            0.1::decimal(9, 6) as share,
            'nan'::double as float,
            timestamptz '2025-01-01 12:00:00+02' as moment;
        create schema marts;
        create view marts.z_named as select id, name, ' , ' as comma from raw.people;
        create view marts.a_pairs as
        select named.id, kinds.share
        from marts.z_named as named
        cross join raw.kinds as kinds
        left join raw.people as others on named.id = others.id and kinds.share < others.id;
        """
    )


def migrate(to: Backend, *, may_replace: bool = False) -> Migrated:
    """Move the tables."""
    return migration.migrate(LOCATION, LAYOUT, to=to, may_replace=may_replace)


def migrate_until_killed(to: Backend, report: Connection) -> None:
    """Move the tables, and halt when the last of them is copied and not yet committed."""
    digest = migration._digest

    def halting(connection: duckdb.DuckDBPyConnection, database: str, relation: str) -> object:
        if relation == "raw.people" and database != source:
            report.send("copied")
            time.sleep(600)
        return digest(connection, database, relation)

    source = LOCATION if to is Backend.FILE else "warehouse_file"
    with mock.patch.object(migration, "_digest", halting):
        migrate(to)
