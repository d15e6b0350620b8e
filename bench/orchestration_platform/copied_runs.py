"""Stores runs that have happened once again, under other ids and at other times, many at once.

Executing a year of runs takes months. All rows and files of a run that was executed are stored
again, through the connections of Dagster's own storage.
"""

import re
import shutil
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
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

_TIME = re.compile(r'("timestamp": )(\d+\.\d+)')


@dataclass(frozen=True)
class _Rows:
    """The rows of a run in one table."""

    table: sa.Table
    rows: list[dict[str, Any]]

    def again(self, old: str, new: str, by: timedelta) -> list[dict[str, Any]]:
        """Return the rows of another run, ``by`` later."""
        return [
            {name: _changed(value, old, new, by) for name, value in row.items()}
            for row in self.rows
        ]


class CopiedRun:
    """A run that is stored again."""

    def __init__(self, instance: dg.DagsterInstance, run_id: str) -> None:
        """Read all that ``instance`` has stored of the run."""
        self._instance, self._run_id = instance, run_id
        events, runs = instance.event_log_storage, instance.run_storage
        assert isinstance(events, SqlEventLogStorage)  # noqa: S101 - for the types
        assert isinstance(runs, SqlRunStorage)  # noqa: S101 - for the types
        self._events, self._runs = events, runs
        with runs.connect() as connection:
            self._of_run = [_read(connection, table, run_id) for table in (RunsTable, RunTagsTable)]
        with events.index_connection() as connection:
            self._of_events = [
                _read(connection, table, run_id)
                for table in (SqlEventLogStorageTable, AssetCheckExecutionsTable)
            ]
        (run,) = self._of_run[0].rows
        self._at: datetime = run["create_timestamp"].replace(tzinfo=UTC)
        home = Path(instance.root_directory)
        self._file = home / "history" / "runs" / f"{run_id}.db"
        self._printed = home / "storage" / run_id

    def store(self, moments: Sequence[datetime]) -> list[str]:
        """Store the run again at each of ``moments``, the oldest first; return the ids."""
        copies = [(str(uuid4()), at - self._at) for at in moments]
        with self._runs.connect() as connection:
            self._insert(connection, self._of_run, copies)
        with self._events.index_connection() as connection:
            self._insert(connection, self._of_events, copies)
            # what the assets show as their last run
            keys = {row["asset_key"] for row in self._of_events[0].rows if row["asset_key"]}
            connection.execute(
                sa.update(AssetKeyTable)
                .where(AssetKeyTable.c.asset_key.in_(keys))
                .values(last_run_id=copies[-1][0])
            )
        for run_id, by in copies:
            self._copy_files(run_id, by)
        return [run_id for run_id, _ in copies]

    def _insert(
        self, connection: sa.Connection, tables: list[_Rows], copies: list[tuple[str, timedelta]]
    ) -> None:
        for of in tables:
            rows = [row for new, by in copies for row in of.again(self._run_id, new, by)]
            if rows:
                connection.execute(sa.insert(of.table), rows)

    def _copy_files(self, run_id: str, by: timedelta) -> None:
        if self._file.exists():
            copy = self._file.with_name(f"{run_id}.db")
            shutil.copyfile(self._file, copy)
            with closing(sqlite3.connect(copy)) as connection:
                connection.execute("pragma synchronous = off")
                connection.execute(
                    "update event_logs set run_id = :new, event = replace(event, :old, :new), "
                    "timestamp = strftime('%Y-%m-%d %H:%M:%f', timestamp, :by)",
                    {
                        "old": self._run_id,
                        "new": run_id,
                        "by": f"{by.total_seconds():+.3f} seconds",
                    },
                )
                connection.commit()
        if self._printed.exists():
            shutil.copytree(self._printed, self._printed.with_name(run_id))


def _read(connection: sa.Connection, table: sa.Table, run_id: str) -> _Rows:
    query = sa.select(table).where(table.c.run_id == run_id).order_by(table.c.id)
    found = connection.execute(query).mappings()
    return _Rows(table, [{name: row[name] for name in row if name != "id"} for row in found])


def _changed(value: Any, old: str, new: str, by: timedelta) -> Any:
    if isinstance(value, str):
        # events are JSON with their time in seconds since 1970
        return _TIME.sub(
            lambda found: f"{found[1]}{float(found[2]) + by.total_seconds()}",
            value.replace(old, new),
        )
    if isinstance(value, datetime):
        return value + by
    # start and end; ids of events are small
    if isinstance(value, float):
        return value + by.total_seconds()
    return value
