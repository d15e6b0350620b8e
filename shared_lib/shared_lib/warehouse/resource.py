"""The tables of a location, as a Dagster resource."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import dagster as dg
import duckdb
from pydantic import Field, PrivateAttr

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse.backends import hold_location, read_location, write_location
from shared_lib.warehouse.connection import DEFAULT_WAIT_SECONDS, WarehouseMissingError
from shared_lib.warehouse.setting import Backend, backend_of
from shared_lib.warehouse.transaction import guarded

if TYPE_CHECKING:
    from shared_lib.warehouse.lake.claim import Claim

# before a step is retried whose transaction was overtaken
_RETRIES = 5
_LONGEST_PAUSE_SECONDS = 3.0


class Warehouse(dg.ConfigurableResource):
    """Read and write the tables of one location, in its DuckDB file or in the lake.

    ``dagster_duckdb.DuckDBResource`` leaves its connection open if the body raises, and cannot open
    a file read-only, so that a failed step would lock out everyone else.

    A run with this resource holds the lease on the tables from its first step to its last, so that
    two runs never interleave. In the lake it holds the lease on the part that it writes, if
    :meth:`part_of` knows it, and each :meth:`writing` is a transaction under the run's claim.
    """

    location: str = Field(description="The code location whose warehouse file this is.")
    wait_seconds: float = Field(
        default=DEFAULT_WAIT_SECONDS,
        ge=0,
        description="Seconds to wait while another run or process holds the file.",
    )

    parts_share_rows: ClassVar[bool] = False
    """Whether runs of different parts change the same rows in the lake. Then a run whose part is
    unknown also has a claim, on all parts."""

    _claim: "Claim | None" = PrivateAttr(default=None)
    _lake: duckdb.DuckDBPyConnection | None = PrivateAttr(default=None)

    def part_of(self, run: dg.DagsterRun) -> str | None:  # noqa: ARG002 - for those that override it
        """Return the only part of the tables that a run writes; None: it may write all of them."""
        return None

    @property
    def claim(self) -> "Claim | None":
        """The claim of the current run; None in a file, or if its part is unknown."""
        return self._claim

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Warehouse"]:
        """Hold the lease for the run; steps of one process share it."""
        run = context.run
        holder = f"run {run.run_id} of {run.job_name}" if run else "a process outside Dagster"
        log = context.log or dg.get_dagster_logger()
        part = self.part_of(run) if run and self.is_lake else None
        with hold_location(
            self.location,
            part=part,
            holder=holder,
            wait_seconds=self.wait_seconds,
            on_wait=log.info,
        ):
            if part is None and not (self.is_lake and self.parts_share_rows):
                yield self
                return
            from shared_lib.warehouse.lake.claim import ALL, claimed

            with claimed(
                self.location,
                part=part or ALL,
                holder=holder,
                shares_rows=self.parts_share_rows,
            ) as (claim, lake):
                self._claim, self._lake = claim, lake
                try:
                    yield self
                finally:
                    self._claim = self._lake = None

    @property
    def is_lake(self) -> bool:
        """Whether the tables are in the lake."""
        return backend_of(self.location) is Backend.LAKE

    @property
    def path(self) -> Path:
        """The file. It depends on the environment at the time of use, not of loading.

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
        """Open a connection that may write; see :func:`shared_lib.warehouse.write_location`.

        Under a claim it is one transaction, and the step is tried again if another process
        overtook it.
        """
        if self._claim is None:
            with write_location(
                self.location, wait_seconds=self.wait_seconds, on_wait=dg.get_dagster_logger().info
            ) as connection:
                yield connection
            return
        with (
            self._connected(self._claim) as connection,
            self._tried_again(self._claim),
            self._claim.written(connection),
        ):
            yield connection

    @contextmanager
    def writing_by_transaction(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Do the same for a step that must not hold up others between its transactions.

        Under a claim, each :func:`shared_lib.warehouse.transaction` on the connection is one under
        the claim, and statements outside of one may not write.
        """
        if self._claim is None:
            with self.writing() as connection:
                yield connection
            return
        with (
            self._connected(self._claim) as connection,
            self._tried_again(self._claim),
            guarded(connection, self._claim.written),
        ):
            yield connection

    @contextmanager
    def _tried_again(self, claim: "Claim") -> Iterator[None]:
        """Let Dagster run the step again if another process has overtaken its transaction."""
        try:
            yield
        except duckdb.TransactionException as error:
            if "conflict" not in str(error):
                raise
            raise dg.RetryRequested(
                max_retries=_RETRIES,
                seconds_to_wait=random.uniform(0.2, _LONGEST_PAUSE_SECONDS),  # noqa: S311 - no secret
            ) from claim.conflict(_RETRIES + 1)

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open a connection to read; see :func:`shared_lib.warehouse.read_location`."""
        if self._claim is None:
            with read_location(
                self.location, wait_seconds=self.wait_seconds, on_wait=dg.get_dagster_logger().info
            ) as connection:
                yield connection
            return
        with self._connected(self._claim) as connection:
            yield connection

    @contextmanager
    def _connected(self, claim: "Claim") -> Iterator[duckdb.DuckDBPyConnection]:
        """Connect to the lake that the run has opened, and name the part that it writes."""
        if self._lake is None:
            raise RuntimeError("a claim is held while the lake is closed")
        with self._lake.cursor() as connection:
            connection.execute(f"use {self.location}")
            connection.execute("set variable warehouse_part = ?", [claim.part])
            yield connection
