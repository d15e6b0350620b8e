"""The warehouse file of a location, as a Dagster resource."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import duckdb
from pydantic import Field

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse.backends import hold_location, read_location, write_location
from shared_lib.warehouse.connection import DEFAULT_WAIT_SECONDS, WarehouseMissingError


class Warehouse(dg.ConfigurableResource):
    """Read and write the tables of one location, in its DuckDB file or in the lake.

    ``dagster_duckdb.DuckDBResource`` leaves its connection open if the body raises, and cannot open
    a file read-only, so that a failed step would lock out everyone else.

    A run with this resource holds the lease on the tables from its first step to its last, so that
    two runs never interleave.
    """

    location: str = Field(description="The code location whose warehouse file this is.")
    wait_seconds: float = Field(
        default=DEFAULT_WAIT_SECONDS,
        ge=0,
        description="Seconds to wait while another run or process holds the file.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Hold the lease for the run; steps of one process share it."""
        run = context.run
        holder = f"run {run.run_id} of {run.job_name}" if run else "a process outside Dagster"
        log = context.log or dg.get_dagster_logger()
        with hold_location(
            self.location, holder=holder, wait_seconds=self.wait_seconds, on_wait=log.info
        ):
            yield self

    @property
    def path(self) -> Path:
        """The file, which depends on the environment at the time of use, not of loading.

        In the lake only its name is used, for dbt and in messages.
        """
        return current_settings().warehouse_path(self.location)

    def exists(self) -> bool:
        """Return whether the location has written anything yet."""
        try:
            with self.reading():
                return True
        except WarehouseMissingError:
            return False

    @contextmanager
    def writing(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection that may write; see :func:`shared_lib.warehouse.write_location`."""
        with write_location(
            self.location, wait_seconds=self.wait_seconds, on_wait=dg.get_dagster_logger().info
        ) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a read-only connection; see :func:`shared_lib.warehouse.read_location`."""
        with read_location(
            self.location, wait_seconds=self.wait_seconds, on_wait=dg.get_dagster_logger().info
        ) as connection:
            yield connection
