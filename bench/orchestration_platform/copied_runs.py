"""Stores runs that have happened once again, under other ids and at other times, many at once.

Executing a year of runs takes months. All rows and files of a run that was executed are stored
again: rows by one statement for each table, through the connections of Dagster's own storage.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import dagster as dg
import sqlalchemy as sa
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetKeyTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable

# Runs are moved by multiples of this, so that the digits of their times that change are few.
_STEP = timedelta(seconds=100)
_STEP_DIGITS = 8
_TIME = re.compile(rb'("timestamp": \d{%d})\d\d\.' % _STEP_DIGITS)
_PAGE = 4096
_LINK = 4  # bytes at the start of a page that continues another one

_COPIES = sa.Table(
    "bench_copies",
    sa.MetaData(),
    sa.Column("run_id", sa.String(36), nullable=False),
    sa.Column("steps", sa.Integer, nullable=False),
    prefixes=["temporary"],
)


class CopiedRun:
    """A run that is stored again."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Read what ``instance`` has stored of the run."""
        self._instance, self._run_id = instance, run_id
        events, runs = instance.event_log_storage, instance.run_storage
        assert isinstance(events, SqlEventLogStorage)  # noqa: S101 - for the types
        assert isinstance(runs, SqlRunStorage)  # noqa: S101 - for the types
        self._events, self._runs = events, runs
        home = Path(instance.root_directory)
        self._printed = home / "storage" / run_id
        file = home / "history" / "runs" / f"{run_id}.db"
        self._file = _RunFile(file, run_id) if file.exists() else None
        columns = SqlEventLogStorageTable.c
        with runs.connect() as connection:
            created = connection.execute(
                sa.select(RunsTable.c.create_timestamp).where(RunsTable.c.run_id == run_id)
            ).scalar_one()
        self._at = created.replace(tzinfo=UTC)
        with events.index_connection() as connection:
            rows = connection.execute(
                sa.select(columns.event, columns.asset_key).where(columns.run_id == run_id)
            ).all()
        self._times = sorted({t.decode() for row in rows for t in _TIME.findall(row[0].encode())})
        self._assets = {row[1] for row in rows if row[1]}

    def store(self, moments: Sequence[datetime]) -> list[str]:
        """Store the run again at each of ``moments``, the oldest first; return the ids."""
        copies = [(str(uuid4()), round((at - self._at) / _STEP)) for at in moments]
        with self._runs.connect() as connection:
            self._insert(connection, (RunsTable, RunTagsTable), copies)
        with self._events.index_connection() as connection:
            self._insert(connection, (SqlEventLogStorageTable, AssetCheckExecutionsTable), copies)
            # what the assets show as their last run
            connection.execute(
                sa.update(AssetKeyTable)
                .where(AssetKeyTable.c.asset_key.in_(self._assets))
                .values(last_run_id=copies[-1][0])
            )
        for run_id, steps in copies:
            if self._file:
                self._file.copy(run_id, steps)
            if self._printed.exists():
                shutil.copytree(
                    self._printed, self._printed.with_name(run_id), copy_function=shutil.copyfile
                )
        return [run_id for run_id, _ in copies]

    def _insert(
        self, connection: sa.Connection, tables: Sequence[sa.Table], copies: list[tuple[str, int]]
    ) -> None:
        _COPIES.create(connection)
        connection.execute(
            sa.insert(_COPIES), [{"run_id": new, "steps": steps} for new, steps in copies]
        )
        for table in tables:
            columns = [column for column in table.c if column.name != "id"]
            again = (
                sa.select(*(self._changed(connection, column) for column in columns))
                .select_from(table.join(_COPIES, sa.true()))
                .where(table.c.run_id == self._run_id)
                .order_by(_COPIES.c.steps, table.c.id)
            )
            connection.execute(sa.insert(table).from_select(columns, again))
        _COPIES.drop(connection)

    def _changed(self, connection: sa.Connection, column: sa.Column[Any]) -> Any:
        """The value that a column has in the copy."""
        seconds = _COPIES.c.steps * int(_STEP.total_seconds())
        if column.name == "run_id":
            return _COPIES.c.run_id
        if isinstance(column.type, sa.Float):
            return column + seconds  # start and end
        if isinstance(column.type, sa.DateTime):
            if connection.dialect.name == "sqlite":
                moved = sa.cast(seconds, sa.String) + " seconds"
                return sa.func.strftime("%Y-%m-%d %H:%M:%f000", column, moved)
            return column + seconds * sa.literal(timedelta(seconds=1), sa.Interval)
        if isinstance(column.type, sa.String):
            text: Any = sa.func.replace(column, self._run_id, _COPIES.c.run_id)
            # no copy is as near to the run as its own events are to one another
            for time in self._times if column.name in ("event", "evaluation_event") else ():
                name, _, digits = time.rpartition(" ")
                moved = sa.cast(int(digits) + _COPIES.c.steps, sa.String)
                text = sa.func.replace(text, time, sa.literal(f"{name} ") + moved)
            return text
        return column


class _RunFile:
    """The file of a run's events on SQLite, whose copies differ in bytes at the same places."""

    def __init__(self, file: Path, run_id: str) -> None:
        self._file, self._bytes = file, file.read_bytes()
        self._ids = list(self._places(run_id.encode()))
        self._times = [
            (found.end(1) - _STEP_DIGITS, int(found[1][-_STEP_DIGITS:]))
            for found in _TIME.finditer(self._bytes)
        ]

    def _places(self, wanted: bytes) -> Iterator[list[tuple[int, slice]]]:
        """Where a text is: at one place, or at two, where a page ends within it."""
        for found in re.finditer(re.escape(wanted), self._bytes):
            yield [(found.start(), slice(0, len(wanted)))]
        for end in range(_PAGE, len(self._bytes), _PAGE):
            for first in range(1, len(wanted)):
                parts = wanted[:first], wanted[first:]
                there = (end - first, end + _LINK)
                if all(self._bytes.startswith(*both) for both in zip(parts, there, strict=True)):
                    yield [(there[0], slice(0, first)), (there[1], slice(first, len(wanted)))]

    def copy(self, run_id: str, steps: int) -> None:
        """Write the file of another run, so many steps later."""
        content, new = bytearray(self._bytes), run_id.encode()
        for place in self._ids:
            for at, part in place:
                content[at : at + len(new[part])] = new[part]
        for at, digits in self._times:
            content[at : at + _STEP_DIGITS] = b"%d" % (digits + steps)
        self._file.with_name(f"{run_id}.db").write_bytes(content)
