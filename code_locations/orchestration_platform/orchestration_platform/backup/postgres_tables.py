"""Dagster's tables in Postgres, with those of alerts and of triggered jobs, at one moment.

They are copied by Postgres' own COPY within one snapshot, so that neither the version of a
``pg_dump`` nor superuser rights matter, and put into the tables that this release makes.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from orchestration_platform.backup.archives import StagedFiles
from orchestration_platform.backup.errors import BackupError

_DIRECTORY = "postgres"
_COLUMNS = "columns.json"
_REVISIONS = "alembic_version"
# A table with a row for each run: a database in which it has rows is in use.
_RUNS = "runs"


def add_postgres_tables(url: str, archive: StagedFiles, scratch: Path) -> None:
    """Add the rows of every table in the database at ``url``.

    Args:
        url: the database.
        archive: where they go.
        scratch: an empty directory for one table at a time.
    """
    with _connected(url, isolation_level="REPEATABLE READ") as connection:
        columns = {table.name: [*table.columns.keys()] for table in _tables(connection)}
        _add_text(archive, scratch, _COLUMNS, json.dumps(columns))
        for table, names in columns.items():
            copy = scratch / table
            with copy.open("wb") as file:
                _cursor(connection).copy_expert(_copy(table, names, "to stdout"), file)
            archive.add(copy, f"{_DIRECTORY}/{table}")
            copy.unlink()


def restore_postgres_tables(url: str, extracted: Path) -> None:
    """Put the rows of a backup into the empty tables of the database at ``url``, all or none.

    Raises:
        BackupError: the tables are those of another release, or have runs.
    """
    directory = extracted / _DIRECTORY
    columns: dict[str, list[str]] = json.loads((directory / _COLUMNS).read_text(encoding="utf-8"))
    with _connected(url) as connection, connection.begin():
        _check_layout(connection, columns, directory)
        check_is_empty(connection)
        tables = [table for table in _tables(connection) if table.name in columns]
        for table in reversed(tables):
            connection.execute(sa.delete(table))
        for table in tables:
            with (directory / table.name).open("rb") as file:
                statement = _copy(table.name, columns[table.name], "from stdin")
                _cursor(connection).copy_expert(statement, file)
            _continue_sequences(connection, table)


def check_is_empty(connection: sa.Connection) -> None:
    """Check that the database has no runs.

    Raises:
        BackupError: it has.
    """
    if not sa.inspect(connection).has_table(_RUNS):
        return
    runs = connection.execute(sa.text(f"select count(*) from {_RUNS}")).scalar()  # noqa: S608 - our name
    if runs:
        raise BackupError(f"the database has {runs} runs: restore into an empty one")


def _check_layout(
    connection: sa.Connection, columns: dict[str, list[str]], directory: Path
) -> None:
    present = {table.name: [*table.columns.keys()] for table in _tables(connection)}
    lacking = [
        f"{table}.{column}"
        for table, names in columns.items()
        for column in names
        if column not in present.get(table, [])
    ]
    revisions = connection.execute(sa.text(f"select version_num from {_REVISIONS}")).scalars().all()  # noqa: S608 - our name
    stored = (directory / _REVISIONS).read_text(encoding="utf-8").split()
    if lacking or sorted(stored) != sorted(revisions):
        raise BackupError(
            "the backup is of another release of Dagster or of the platform "
            f"(schema {', '.join(stored)}, here {', '.join(revisions)}; "
            f"missing here: {', '.join(lacking) or 'nothing'}): restore it with the release that "
            "made it, then upgrade; nothing was changed"
        )


def _continue_sequences(connection: sa.Connection, table: sa.Table) -> None:
    for column in table.primary_key.columns:
        sequence = connection.execute(
            sa.select(sa.func.pg_get_serial_sequence(table.name, column.name))
        ).scalar()
        if sequence:
            following = sa.select(sa.func.coalesce(sa.func.max(column), 0) + 1).scalar_subquery()
            connection.execute(sa.select(sa.func.setval(sequence, following, sa.false())))


def _tables(connection: sa.Connection) -> list[sa.Table]:
    """Every table, each after those that it refers to."""
    metadata = sa.MetaData()
    metadata.reflect(connection)
    return metadata.sorted_tables


def _copy(table: str, columns: list[str], where: str) -> str:
    return 'copy "{}" ({}) {}'.format(table, ", ".join(f'"{name}"' for name in columns), where)


def _cursor(connection: sa.Connection) -> Any:
    """The driver's own cursor, in the transaction of ``connection``."""
    return connection.connection.cursor()


@contextmanager
def _connected(url: str, **options: Any) -> Iterator[sa.Connection]:
    engine = sa.create_engine(url, poolclass=NullPool, **options)
    with engine.connect() as connection:
        yield connection


def _add_text(archive: StagedFiles, scratch: Path, name: str, text: str) -> None:
    (scratch / name).write_text(text, encoding="utf-8")
    archive.add(scratch / name, f"{_DIRECTORY}/{name}")
    (scratch / name).unlink()
