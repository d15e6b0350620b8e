"""dbt beside the lake: it builds in a database in memory, filled from the lake before it starts.

So runs of several scenarios do not disturb one another while they compute, dbt uses several
threads, and its nodes do not query the catalog. The caller writes the results into the lake.
profiles.yml names the plugin of dbt-duckdb in this module.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.adapters.duckdb.environments.local import LocalEnvironment
from dbt.adapters.duckdb.plugins import BasePlugin
from duckdb import DuckDBPyConnection

from shared_lib.warehouse.connection import disable_faulty_optimizer


class NoLocalCopyError(RuntimeError):
    """dbt was started with the target of the lake, and nobody has prepared its database."""


@dataclass
class LocalCopy:
    """The database in memory in which dbt builds.

    Attributes:
        fill: called once with a connection to the empty database, before dbt uses it.
        environment: dbt's own, set when dbt opens the database; it stays open after dbt has ended.
    """

    fill: Callable[[DuckDBPyConnection], None]
    environment: LocalEnvironment | None = None

    @contextmanager
    def connected(self) -> Iterator[DuckDBPyConnection]:
        """Connect to the database, during dbt's work or afterwards, from any thread."""
        if self.environment is None or self.environment.conn is None:
            raise NoLocalCopyError("dbt has not opened its database, so it has built nothing")
        with self.environment.conn.cursor() as connection:
            yield connection


_copies: list[LocalCopy] = []


@contextmanager
def local_copy(fill: Callable[[DuckDBPyConnection], None]) -> Iterator[LocalCopy]:
    """Let dbt build, in this process, in a database that ``fill`` has filled."""
    copy = LocalCopy(fill)
    _copies.append(copy)
    try:
        yield copy
    finally:
        _copies.remove(copy)
        copy.environment = None


class Plugin(BasePlugin):
    """Fills dbt's database when dbt opens it."""

    def configure_connection(self, conn: DuckDBPyConnection) -> None:
        """Fill the database of the caller's :func:`local_copy`."""
        if not _copies:
            raise NoLocalCopyError(
                "with WAREHOUSE=lake, dbt builds what a run has prepared: use `make run` or Dagster"
            )
        with conn.cursor() as connection:
            disable_faulty_optimizer(connection)
            _copies[-1].fill(connection)
        environment = DuckDBConnectionManager.env()
        if not isinstance(environment, LocalEnvironment):
            raise TypeError(f"dbt-duckdb works in {environment!r}, not in this process")
        _copies[-1].environment = environment
