"""A scenario out of the lake, in memory for dbt to build in, and back into the lake.

dbt finds one scenario, as in a scratch warehouse: what Python recorded of its run, and its years so
far. A year goes back when its batch is done, in one transaction; a seed or view if it differs from
that of the lake.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field

import duckdb

from shared_lib.dbt.project import rules_digest
from shared_lib.warehouse.lake.attachment import attach_lake
from shared_lib.warehouse.lake.claim import Claim
from shared_lib.warehouse.lake.dbt_plugin import LocalCopy, local_copy
from shared_lib.warehouse.rows import put_rows
from simulation.census.tables import create_tables as create_census_tables
from simulation.state.runs import OpenedRun
from simulation.state.tables import create_tables

LEDGER = "int_employee_years"

# What dbt reads, and the report of a run beside it.
_OF_SCENARIO = (
    "baseline_workforce_validated",
    "census_data_validation",
    "census_rejects",
    "cost_rates",
    "pipeline_timings",
    "retirement_plans",
    "simulation_config",
    "simulation_parameters",
    "simulation_run",
)
_OF_FINGERPRINT = ("hire_level_mix", "known_events", "scenario_levels", "scenario_rates")

_PUBLISHED = """
create schema if not exists raw;
create table if not exists raw.published_layout (
    relation varchar not null,
    digest varchar not null
)
"""


@dataclass
class LakeCopy:
    """One scenario in memory. A failure to write a year stops the writing of all after it."""

    copy: LocalCopy
    claim: Claim
    opened: OpenedRun
    failure: Exception | None = field(default=None)

    # what dbt finds filled
    kept: Collection[str] = (LEDGER,)

    def reading(self) -> AbstractContextManager[duckdb.DuckDBPyConnection]:
        """Connect to what dbt has built."""
        return self.copy.connected()

    def exists(self) -> bool:
        """Return whether dbt has opened its database."""
        return self.copy.environment is not None

    def batch_done(self, model: str, year: int) -> None:
        """Write a year of the ledger into the lake. An error is kept for :meth:`finish`."""
        if model != LEDGER or self.failure is not None:
            return
        try:
            self.claim.tried_again(lambda: self._publish_year(year))
        except Exception as error:  # noqa: BLE001 - raised by finish: dbt's thread must not stop
            self.failure = error

    def finish(self) -> None:
        """Write the seeds and views that differ into the lake.

        Raises:
            ClaimLostError: another run has taken the scenario over.
            WarehouseConflictError: other processes changed the same tables each time.
            WarehouseBusyError: other processes wrote for too long.
        """
        if self.failure is not None:
            raise self.failure
        if self.exists():
            self.claim.tried_again(self._publish_layout)

    def _publish_year(self, year: int) -> None:
        here, there = (f"{name}.intermediate.{LEDGER}" for name in ("memory", self.claim.location))
        named = {"scenario": self.opened.scenario_id, "year": year}
        with self.copy.connected() as connection, self.claim.written(connection):
            connection.execute(f"create schema if not exists {self.claim.location}.intermediate")
            connection.execute(f"create table if not exists {there} as from {here} limit 0")
            connection.execute(
                f"delete from {there} where scenario_id = $scenario "  # noqa: S608 - our own names
                "and (simulation_year = $year or fingerprint <> $fingerprint)",
                {**named, "fingerprint": self.opened.fingerprint},
            )
            connection.execute(
                f"insert into {there} by name "
                f"from {here} where scenario_id = $scenario and simulation_year = $year",
                named,
            )

    def _publish_layout(self) -> None:
        with self.copy.connected() as connection:
            found = _layout(connection)
            connection.execute(f"use {self.claim.location}")
            with self.claim.written(connection):
                connection.execute(_PUBLISHED)
                stored = dict(connection.execute("from raw.published_layout").fetchall())
                due = [part for part in found if stored.get(part.relation) != part.digest]
                for part in due:
                    schema = part.relation.partition(".")[0]
                    connection.execute(f"create schema if not exists {schema}")
                    connection.execute(part.statement)
                if due:
                    put_rows(
                        connection,
                        "raw.published_layout",
                        "select unnest(?) as relation, unnest(?) as digest",
                        key=["relation"],
                        columns=["relation", "digest"],
                        values=[[part.relation for part in due], [part.digest for part in due]],
                    )


@dataclass(frozen=True)
class _Part:
    """A seed or view: its name, what it is made of in short, and what makes it in the lake."""

    relation: str
    digest: str
    statement: str


def _layout(connection: duckdb.DuckDBPyConnection) -> list[_Part]:
    """Return the seeds and views that dbt has built, each after what it reads."""
    seeds = connection.execute(
        "select 'seeds.' || table_name from duckdb_tables() "
        "where database_name = 'memory' and schema_name = 'seeds' order by table_name"
    ).fetchall()
    views = connection.execute(
        "select schema_name || '.' || view_name, md5(sql), "
        "replace(sql, 'CREATE VIEW ', 'create or replace view ') "
        "from duckdb_views() where database_name = 'memory' and not internal "
        "and schema_name in ('staging', 'marts', 'monitoring') order by view_oid"
    ).fetchall()
    rows = rules_digest(["seeds"])
    return [
        *(
            _Part(seed, rows, f"create or replace table {seed} as from memory.{seed}")
            for (seed,) in seeds
        ),
        *(_Part(*view) for view in views),
    ]


@contextmanager
def lake_copy(claim: Claim, opened: OpenedRun) -> Iterator[LakeCopy]:
    """Let dbt build the scenario of ``opened`` in memory, and write it under ``claim``."""

    def fill(connection: duckdb.DuckDBPyConnection) -> None:
        create_tables(connection)
        create_census_tables(connection)
        attach_lake(connection, claim.location)
        for table in _OF_SCENARIO:
            _copy(connection, claim, table, scenario_id=opened.scenario_id)
        for table in _OF_FINGERPRINT:
            _copy(connection, claim, table, fingerprint=opened.fingerprint)
        if _has_ledger(connection, claim.location):
            connection.execute("create schema intermediate")
            connection.execute(
                f"create table memory.intermediate.{LEDGER} as "
                f"from {claim.location}.intermediate.{LEDGER} where scenario_id = ?",
                [opened.scenario_id],
            )

    with local_copy(fill) as copy:
        yield LakeCopy(copy, claim, opened)


def _copy(connection: duckdb.DuckDBPyConnection, claim: Claim, table: str, **key: str) -> None:
    [(column, value)] = key.items()
    connection.execute(
        f"insert into memory.raw.{table} by name "
        f"from {claim.location}.raw.{table} where {column} = ?",
        [value],
    )


def _has_ledger(connection: duckdb.DuckDBPyConnection, location: str) -> bool:
    found = connection.execute(
        "select 1 from duckdb_tables() where database_name = ? "
        "and schema_name = 'intermediate' and table_name = ?",
        [location, LEDGER],
    ).fetchone()
    return found is not None
