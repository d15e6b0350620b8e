"""The catalog's Postgres, where processes on several machines agree on locks and shared rows."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from shared_lib.warehouse.lake.attachment import CATALOG_VARIABLE, Lake

# any number that nobody else locks in the same database
_OF_CREATION = 7_205_117
# the first of the two numbers of an advisory lock; leases, Dagster and the alerts use others
_OF_NAMES = 0x1A4F
_LOCK_NOT_AVAILABLE = "55P03"
# by an administrator, by a crash, or not up yet
_SHUT_DOWN = frozenset({"57P01", "57P02", "57P03"})


class CatalogUnreachableError(RuntimeError):
    """Postgres does not answer, or refuses the connection; the message says where and why."""


class LockBusyError(RuntimeError):
    """Another process has kept a lock for too long."""


class RunStatement(Protocol):
    """Runs a statement with its values by name, and returns its rows."""

    def __call__(self, statement: str, values: Mapping[str, Any] | None = None, /) -> list[Any]:
        """Run it."""
        ...


class Catalog:
    """Connections to the catalog's database; several threads may use it."""

    def __init__(self, engine: sa.Engine) -> None:
        """Use the connections of ``engine``, in which each statement is a transaction."""
        self._engine = engine

    def run(self, statement: str, values: Mapping[str, Any] | None = None) -> list[Any]:
        """Run a statement, which is a transaction of its own; return its rows.

        Args:
            statement: SQL of Postgres; ``%(name)s`` is a value.
            values: the values by name.

        Raises:
            CatalogUnreachableError: Postgres does not answer.
        """
        with named(self._engine), self._engine.connect() as connection:
            return _rows(connection, statement, values)

    def create(self, statements: str) -> None:
        """Create what is not there yet; one process at a time, as Postgres needs it."""
        with named(self._engine), self._engine.connect() as connection:
            connection.exec_driver_sql(
                f"begin; select pg_advisory_xact_lock({_OF_CREATION}); {statements}; commit"
            )

    @contextmanager
    def locked(self, name: str, *, wait_seconds: float) -> Iterator[RunStatement]:
        """Be the only process that has ``name`` while the body runs, in one transaction.

        The death of a process frees it, and undoes what it has written.

        Args:
            name: what is locked.
            wait_seconds: how long to wait for another process.

        Raises:
            CatalogUnreachableError: Postgres does not answer.
            LockBusyError: another process still has it after ``wait_seconds``.
        """
        with ExitStack() as stack:
            with named(self._engine):
                connection = stack.enter_context(self._engine.connect())
                connection = connection.execution_options(isolation_level="READ COMMITTED")
                transaction = connection.begin()

            def run(statement: str, values: Mapping[str, Any] | None = None, /) -> list[Any]:
                with named(self._engine):
                    return _rows(connection, statement, values)

            try:
                run(f"set local lock_timeout = {round(wait_seconds * 1000)}")
                run(
                    "select pg_advisory_xact_lock(%(ours)s, hashtext(%(name)s))",
                    {"ours": _OF_NAMES, "name": name},
                )
            except OperationalError as error:
                if getattr(error.orig, "pgcode", None) != _LOCK_NOT_AVAILABLE:
                    raise
                message = f"another process has had {name} for {wait_seconds:g} s"
                raise LockBusyError(message) from None
            yield run
            with named(self._engine):
                transaction.commit()

    @contextmanager
    def session(self) -> Iterator[str]:
        """Keep a session open while the body runs; yield the name that Postgres shows for it."""
        with ExitStack() as stack:
            with named(self._engine):
                connection = stack.enter_context(self._engine.connect())
            name = connection.exec_driver_sql(
                "select pid::text || ' ' || backend_start::text "
                "from pg_stat_activity where pid = pg_backend_pid()"
            ).scalar()
            yield str(name)


def _rows(connection: sa.Connection, statement: str, values: Mapping[str, Any] | None) -> list[Any]:
    found = connection.exec_driver_sql(statement, dict(values or {}))
    return [*found] if found.returns_rows else []


@contextmanager
def open_catalog() -> Iterator[Catalog]:
    """Open the catalog's database of the environment.

    Raises:
        CatalogUnreachableError: Postgres does not answer, or refuses the connection.
        WarehouseSettingError: the lake's variables are missing or wrong.
    """
    lake = Lake.from_environment()
    # a connection costs 10 ms of CPU, and an answer that is kept needs one
    engine = sa.create_engine(
        lake.address(), isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=-1
    )
    try:
        yield Catalog(engine)
    finally:
        engine.dispose()


@contextmanager
def named(engine: sa.Engine) -> Iterator[None]:
    """Make an error of the connection name the server and database.

    Raises:
        CatalogUnreachableError: Postgres does not answer, or refuses the connection.
    """
    try:
        yield
    except OperationalError as error:
        code = getattr(error.orig, "pgcode", None)
        if code and code not in _SHUT_DOWN:
            raise  # Postgres has answered
        url = engine.url
        raise CatalogUnreachableError(
            f"the Postgres of the lake does not answer at {url.host}:{url.port or 5432} (database "
            f"{url.database}, user {url.username}): check {CATALOG_VARIABLE} and that the server "
            f"runs: {' '.join(str(error.orig).split())}"
        ) from error
