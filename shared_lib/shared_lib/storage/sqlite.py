"""Dagster's SQLite storage with reused connections; ``dagster.yaml`` names it.

A run of the simulation stores some 430 events. For each, Dagster's own storage creates two to five
new SQLAlchemy engines, so that compiled statements are never reused, and closes the file of the run
and the event index as often, at which SQLite writes its log back and syncs the disk. With engines
that are kept, and one transaction for each batch of events, the run takes 3 s less on two idle
cores. Processes that start together create the files one after the other. Files, tables and other
locking are Dagster's own, and either storage reads what the other wrote.

SQLite syncs the disk when it writes its log back, and not at each commit: that took 1,600 syncs off
a run of the simulation. A killed process loses nothing. A machine that loses its power can lose the
events of the last moments, and no file is damaged: https://sqlite.org/pragma.html#pragma_synchronous

The only imports of Dagster's private modules: it has no public name for its storage classes.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy
import sqlalchemy.event
from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    SqliteEventLogStorage,
)
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage
from dagster._serdes import ConfigurableClassData

from shared_lib.private_files import keep_files_private
from shared_lib.storage.deleted_runs import delete_files, delete_superseded_checks
from shared_lib.storage.sqlite_creation import (
    check_revisions,
    create_from,
    creation_lock,
    is_stamped,
    schema_of,
)

# The index, and the runs that a process writes or shows at one time.
_KEPT_ENGINES = 16
_LAST_OF_A_RUN = {
    dg.DagsterEventType.RUN_SUCCESS,
    dg.DagsterEventType.RUN_FAILURE,
    dg.DagsterEventType.RUN_CANCELED,
}


class SqliteEventLog(SqliteEventLogStorage):
    """The event log: one file for each run, and an index of all runs."""

    def __init__(self, base_dir: str) -> None:
        """Open the event log below ``base_dir``."""
        self._engines: dict[str, sqlalchemy.Engine] = {}  # the one used last comes last
        self._batch = threading.local()
        self._schema_of_run: str | None = None
        super().__init__(base_dir)

    def _engine(self, shard: str) -> sqlalchemy.Engine:
        engine = self._engines.pop(shard, None) or self._new_engine(shard)
        self._engines[shard] = engine
        if len(self._engines) > _KEPT_ENGINES:
            self._close(next(iter(self._engines)))
        return engine

    def _new_engine(self, shard: str) -> sqlalchemy.Engine:
        engine = sqlalchemy.create_engine(
            self.conn_string_for_shard(shard), connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS}
        )
        sqlalchemy.event.listen(engine, "connect", _sync_at_checkpoints)
        return engine

    def _close(self, shard: str) -> None:
        """Close the file, at which SQLite writes its log back."""
        if engine := self._engines.pop(shard, None):
            engine.dispose()

    def _initdb(self, engine: sqlalchemy.Engine, for_index_shard: bool = False) -> None:  # noqa: FBT001, FBT002 - as Dagster calls it
        with creation_lock(Path(self._base_dir)):
            if for_index_shard:
                super()._initdb(engine, for_index_shard)
            else:
                self._create_run_file(engine)

    def _create_run_file(self, engine: sqlalchemy.Engine) -> None:
        """Create the file of a run, unless it is there, like the first one of this process.

        Dagster reads some 80 scripts of migrations to find the revision of each file.
        """
        path = Path(str(engine.url.database))
        if is_stamped(path):
            return
        is_new = not path.exists()
        if is_new and self._schema_of_run is not None:
            create_from(self._schema_of_run, path)
            return
        super()._initdb(engine)
        if is_new:
            self._schema_of_run = schema_of(path)

    def store_event(self, event: dg.EventLogEntry) -> None:
        """Store an event without its secrets, including one without a log record."""
        from shared_lib.secrets.redaction.events import redacted_event

        super().store_event(redacted_event(event))
        if not hasattr(self._batch, "connection"):
            self._stored([event])

    def _stored(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Let the webserver see the events: it watches the files of runs, and not their logs."""
        for run_id in {event.run_id for event in events}:
            os.utime(self.path_for_shard(run_id))
        with self._db_lock:
            for event in events:
                if event.dagster_event and event.dagster_event.event_type in _LAST_OF_A_RUN:
                    self._close(event.run_id)

    def store_event_batch(self, events: Sequence[dg.EventLogEntry]) -> None:
        """Store events that belong together in one transaction per file.

        Dagster creates batches if ``DAGSTER_EVENT_BATCH_SIZE`` sets their size.
        """
        with self._db_lock, ExitStack() as transactions:

            @lru_cache
            def connection(shard: str) -> sqlalchemy.Connection:
                return transactions.enter_context(self._transaction(shard))

            self._batch.connection = connection
            try:
                super().store_event_batch(events)
            finally:
                del self._batch.connection
        self._stored(events)

    def delete_events(self, run_id: str) -> None:
        """Delete the events of a run, its file, and what Dagster leaves of a deleted run."""
        with self.index_connection() as connection:
            delete_superseded_checks(connection, [run_id])
            self.delete_events_for_run(connection, run_id)
        self.free_concurrency_slots_for_run(run_id)
        self.delete_file_of_run(run_id)
        delete_files(self._instance, run_id)

    def delete_file_of_run(self, run_id: str) -> None:
        """Delete the file with all events of a run; those in the index stay."""
        with self._db_lock:
            self._close(run_id)
        self._initialized_dbs.discard(run_id)
        for suffix in ("", "-wal", "-shm"):
            Path(self.path_for_shard(run_id) + suffix).unlink(missing_ok=True)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        if hasattr(self._batch, "connection"):
            yield self._batch.connection(shard)
        else:
            with self._db_lock, self._transaction(shard) as connection:
                yield connection

    @contextmanager
    def _transaction(self, shard: str) -> Iterator[sqlalchemy.Connection]:
        engine = self._engine(shard)
        if shard not in self._initialized_dbs:
            self._initdb(engine)
            self._initialized_dbs.add(shard)
        with engine.begin() as connection:
            yield connection

    def dispose(self) -> None:
        """Close everything that is open."""
        for shard in list(self._engines):
            self._close(shard)
        super().dispose()


def _sync_at_checkpoints(connection: sqlite3.Connection, _: object) -> None:
    connection.execute("pragma synchronous = normal")


class SqliteStorage(DagsterSqliteStorage):
    """Runs, events and schedules in SQLite files below one directory."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Open the storage below ``base_dir``, as Dagster does from its configuration.

        Raises:
            DamagedStorageError: processes that started together damaged a file.
        """
        keep_files_private()
        with creation_lock(Path(base_dir)):
            check_revisions(Path(base_dir))
            super().__init__(base_dir, inst_data)
            self._event_log_storage = SqliteEventLog(str(Path(base_dir) / "history" / "runs"))

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData | None, config_value: Any
    ) -> "SqliteStorage":
        """Create the storage from ``dagster.yaml``; the only field is ``base_dir``."""
        return cls.from_local(inst_data=inst_data, **config_value)
