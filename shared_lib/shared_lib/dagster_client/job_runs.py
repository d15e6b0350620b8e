"""The table of triggered jobs: for whom each was triggered, and its outcome.

A row is written before the request to Dagster. The run carries the row's id as a tag, so that a
row whose launch was never answered finds its run again, if one exists.
"""

import os
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import JSON, Column, Float, Index, MetaData, String, Table, Text, cast
from sqlalchemy.exc import ArgumentError, OperationalError

from shared_lib.dagster_client.errors import WebserverConfigurationError
from shared_lib.storage.migrations import LayoutError, Migration, migrate
from shared_lib.storage.transactions import open_engine, transaction

DATABASE_VARIABLE = "JOB_RUNS_DATABASE_URL"
FILE_NAME = "job_runs.db"
# The tag of each triggered run: the id of its row.
JOB_RUN_TAG = "platform/job_run"
REQUESTER_TAG = "platform/requested_by"

# Any number that nobody else uses: who holds it in Postgres makes or migrates the table.
_LOCK = 7_205_114
# SQLite accepts 32,766 parameters in a statement, and a row needs seven.
_ROWS_AT_ONCE = 1000


class Status(StrEnum):
    """The statuses of a row in addition to Dagster's own run statuses."""

    LAUNCHING = "LAUNCHING"  # requested or about to be; unanswered, so a run may exist
    UNAVAILABLE = "UNAVAILABLE"  # Dagster was not reached: nothing was launched
    REFUSED = "REFUSED"  # Dagster refuses to launch it
    NEVER_LAUNCHED = "NEVER_LAUNCHED"  # was LAUNCHING, and no run exists
    RETRYING = "RETRYING"  # the run died and Dagster restarts it
    DELETED = "DELETED"  # the run is no longer in Dagster


# Final statuses.
ENDED = frozenset(
    {"SUCCESS", "FAILURE", "CANCELED"}
    | {Status.UNAVAILABLE, Status.REFUSED, Status.NEVER_LAUNCHED, Status.DELETED}
)

_METADATA = MetaData()

# Times are seconds since 1970.
JOB_RUNS = Table(
    "job_runs",
    _METADATA,
    Column("id", String(36), primary_key=True),
    Column("job_name", String(255), nullable=False),
    Column("location_name", String(255)),
    Column("requested_by", String(255), nullable=False),
    Column("run_config", JSON, nullable=False),
    Column("status", String(30), nullable=False),
    Column("run_id", String(255)),
    Column("message", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
    Column("ended_at", Float),
    Index("job_runs_by_run", "run_id"),
    Index("job_runs_by_status", "status"),
    Index("job_runs_by_requester", "requested_by", "created_at"),
)
# A change of the table adds one.
_MIGRATIONS: Sequence[Migration[sqlalchemy.Connection]] = ()


@dataclass(frozen=True, kw_only=True)
class JobRun:
    """One row: what was triggered, for whom, and what is known about it.

    Attributes:
        id: the row's id, which the run carries as the tag ``platform/job_run``.
        job_name: the job.
        location_name: its code location, ``None`` until it is known.
        requested_by: who requested it.
        run_config: the configuration that was requested.
        status: Dagster's status of the run, or a :class:`Status`.
        run_id: Dagster's id of the run, the latest if it was restarted; ``None`` without one.
        message: why there is no run; otherwise empty.
        created_at: when it was requested, in seconds since 1970.
        updated_at: when the row was last changed.
        ended_at: when the run ended, or when it became clear that it does not exist.
    """

    id: str
    job_name: str
    location_name: str | None
    requested_by: str
    run_config: Mapping[str, Any]
    status: str
    run_id: str | None
    message: str
    created_at: float
    updated_at: float
    ended_at: float | None

    @property
    def has_ended(self) -> bool:
        """Whether the status is final."""
        return self.status in ENDED


@dataclass(frozen=True)
class Observation:
    """What Dagster currently reports for the run of a row."""

    row_id: str
    status: str
    run_id: str | None
    ended_at: float | None


class JobRuns:
    """The table in one database."""

    def __init__(self, url: str) -> None:
        """Open the database at a SQLAlchemy ``url`` and create or migrate the table.

        Raises:
            LayoutError: a newer release has changed it so that this one cannot use it.
        """
        self._engine = open_engine(url)
        migrate(
            self._engine,
            _METADATA,
            _MIGRATIONS,
            first_table="job_runs",
            applied_table="job_runs_migrations",
            lock=_LOCK,
        )

    def begin(
        self,
        job_name: str,
        run_config: Mapping[str, Any],
        *,
        requested_by: str,
        location_name: str | None = None,
    ) -> str:
        """Record that the job is about to be launched; return the row's id."""
        row_id, now = str(uuid.uuid4()), time.time()
        row = {
            "id": row_id,
            "job_name": job_name,
            "location_name": location_name,
            "requested_by": requested_by,
            "run_config": dict(run_config),
            "status": Status.LAUNCHING,
            "message": "",
            "created_at": now,
            "updated_at": now,
        }
        with self._transaction() as connection:
            connection.execute(JOB_RUNS.insert().values(row))
        return row_id

    def launched(self, row_id: str, run_id: str, location_name: str) -> None:
        """Record that Dagster has created the run ``run_id``."""
        self._change(row_id, status="QUEUED", run_id=run_id, location_name=location_name)

    def not_launched(self, row_id: str, status: Status, message: str) -> None:
        """Record why there is no run: ``status`` is the kind of reason, ``message`` the text."""
        self._change(row_id, status=status, message=message, ended_at=time.time())

    def unanswered(self, row_id: str, message: str) -> None:
        """Record why it is unknown whether a run exists; the row stays ``LAUNCHING``."""
        self._change(row_id, message=message)

    def _change(self, row_id: str, **values: Any) -> None:
        # only from LAUNCHING: a refresh that has found the run already knows more
        change = (
            JOB_RUNS.update()
            .where(JOB_RUNS.c.id == row_id, JOB_RUNS.c.status == Status.LAUNCHING)
            .values(**values, updated_at=time.time())
        )
        with self._transaction() as connection:
            connection.execute(change)

    def observe(self, observations: Iterable[Observation]) -> int:
        """Update rows in one transaction; rows that have ended stay unchanged.

        Returns:
            The number of rows that changed.
        """
        seen, changed = list(observations), 0
        with self._transaction() as connection:
            for start in range(0, len(seen), _ROWS_AT_ONCE):
                change = _update(seen[start : start + _ROWS_AT_ONCE], now=time.time())
                changed += connection.execute(change).rowcount
        return changed

    def open(self) -> list[JobRun]:
        """Return the rows whose status may still change, the oldest first."""
        query = JOB_RUNS.select().where(JOB_RUNS.c.status.not_in(ENDED))
        return self._read(query.order_by(JOB_RUNS.c.created_at))

    def latest(self, limit: int = 20, *, requested_by: str | None = None) -> list[JobRun]:
        """Return the ``limit`` newest rows, of one requester or of all."""
        query = JOB_RUNS.select().order_by(JOB_RUNS.c.created_at.desc()).limit(limit)
        if requested_by is not None:
            query = query.where(JOB_RUNS.c.requested_by == requested_by)
        return self._read(query)

    def find(self, any_id: str) -> JobRun | None:
        """Return the row with that id, or the newest with that run id."""
        is_meant = (JOB_RUNS.c.id == any_id) | (JOB_RUNS.c.run_id == any_id)
        query = JOB_RUNS.select().where(is_meant).order_by(JOB_RUNS.c.created_at.desc())
        return next(iter(self._read(query)), None)

    def _read(self, query: sqlalchemy.Select[Any]) -> list[JobRun]:
        with self._transaction() as connection:
            return [JobRun(**row) for row in connection.execute(query).mappings()]

    @contextmanager
    def _transaction(self) -> Iterator[sqlalchemy.Connection]:
        with transaction(self._engine, lock=None) as connection:
            yield connection


def _update(observations: Sequence[Observation], *, now: float) -> sqlalchemy.Update:
    """Return one statement that updates all the rows of ``observations``."""
    columns = JOB_RUNS.c

    def of(field: str, kind: type[Any]) -> sqlalchemy.Case[Any]:
        # typed, because Postgres treats a CASE of nulls only as text
        values = {seen.row_id: cast(getattr(seen, field), kind) for seen in observations}
        return sqlalchemy.case(values, value=columns.id)

    rows = [seen.row_id for seen in observations]
    return (
        JOB_RUNS.update()
        .where(columns.id.in_(rows), columns.status.not_in(ENDED))
        .values(
            status=of("status", String),
            run_id=of("run_id", String),
            ended_at=of("ended_at", Float),
            updated_at=now,
        )
    )


def open_job_runs() -> JobRuns:
    """Open the table in the database of :func:`database_url`.

    Raises:
        WebserverConfigurationError: none is configured, or it cannot be opened; shows no password.
    """
    url = database_url()
    try:
        if sqlalchemy.make_url(url).get_backend_name() in ("sqlite", "postgresql"):
            return JobRuns(url)
    except OperationalError as error:
        named_by = DATABASE_VARIABLE if os.environ.get(DATABASE_VARIABLE) else "DAGSTER_HOME"
        message = f"{named_by}: the database for job_runs cannot be opened: {error.orig}"
        raise WebserverConfigurationError(message) from error
    except LayoutError as error:
        raise WebserverConfigurationError(str(error)) from error
    except ModuleNotFoundError as error:
        message = f"{DATABASE_VARIABLE}: the database's driver is not installed: {error}"
        raise WebserverConfigurationError(message) from error
    except ArgumentError as error:
        raise _no_database() from error
    raise _no_database()


def _no_database() -> WebserverConfigurationError:
    return WebserverConfigurationError(
        f"{DATABASE_VARIABLE} is not the URL of a supported database: write "
        "sqlite:////PATH/TO/FILE or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
    )


def database_url() -> str:
    """Return the database of ``JOB_RUNS_DATABASE_URL``, else that of the Dagster instance.

    The instance is the one of ``DAGSTER_HOME``: its Postgres, or a file next to its SQLite files.

    Raises:
        WebserverConfigurationError: neither variable is set, or the instance does not exist.
    """
    named = os.environ.get(DATABASE_VARIABLE)
    if named:
        return named
    home = os.environ.get("DAGSTER_HOME")
    if not home:
        raise WebserverConfigurationError(
            f"no database for job_runs: set {DATABASE_VARIABLE} to a SQLAlchemy URL, or "
            "DAGSTER_HOME to the directory of the Dagster instance"
        )
    if not Path(home).expanduser().is_absolute() or not Path(home).expanduser().is_dir():
        raise WebserverConfigurationError(
            f"DAGSTER_HOME: {home!r} is not the absolute path of an existing directory"
        )
    import dagster as dg

    with dg.DagsterInstance.get() as instance:
        postgres = getattr(instance.run_storage, "postgres_url", None)
        return postgres or f"sqlite:///{Path(instance.root_directory) / FILE_NAME}"
