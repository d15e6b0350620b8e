"""Records how long a run and its models took."""

from collections.abc import Collection, Sequence
from itertools import chain

import duckdb

from shared_lib.dbt_step.build import NodeTiming
from shared_lib.metadata import Relation, row_count
from shared_lib.warehouse import transaction
from simulation.config.sections.limits import Limits
from simulation.state.runs import OpenedRun
from simulation.state.tables import THIS_RUN

_LEDGER = ("intermediate", "int_employee_years")
# scope, name, status, seconds, row_count, seconds_limit
_Row = tuple[str, str, str, float, int | None, float | None]
_SUCCESSES = frozenset({"success", "pass", "ok"})


def record_timings(
    connection: duckdb.DuckDBPyConnection,
    *,
    built: duckdb.DuckDBPyConnection,
    run_id: str,
    opened: OpenedRun,
    timings: Sequence[NodeTiming],
    limits: Limits,
    seconds: float,
) -> None:
    """Add a run's durations to ``raw.pipeline_timings``, replacing its earlier ones.

    Args:
        connection: the simulation's warehouse.
        built: where the models were built: the same, or beside the lake.
        run_id: the Dagster run.
        opened: its scenario and years.
        timings: what dbt recorded for each model.
        limits: the service level for the whole build.
        seconds: wall time of the step that built the models.
    """
    years = opened.last_year - opened.first_year + 1
    tables = _tables(built)
    failed = any(timing.status not in _SUCCESSES for timing in timings)
    whole: _Row = (
        "run",
        "simulation_models",
        "error" if failed else "success",
        seconds,
        _computed_rows(built) if _LEDGER in tables else 0,
        limits.run_seconds,
    )
    rows = [*_model_rows(built, timings, tables), whole]
    with transaction(connection):
        connection.execute("delete from raw.pipeline_timings where run_id = ?", [run_id])
        values = [[run_id, opened.scenario_id, *row, years] for row in rows]
        # one statement: in the lake each of 100 takes 10 ms
        connection.execute(
            "insert into raw.pipeline_timings "  # noqa: S608 - no values
            "(run_id, scenario_id, recorded_at, scope, name, status, seconds, row_count, "
            "seconds_limit, years) values "
            + ", ".join(["(?, ?, now()::timestamp, ?, ?, ?, ?, ?, ?, ?)"] * len(values)),
            list(chain.from_iterable(values)),
        )


def _tables(connection: duckdb.DuckDBPyConnection) -> set[Relation]:
    return {
        (schema, name)
        for schema, name in connection.execute(
            "select schema_name, table_name from duckdb_tables() "
            "where not internal and database_name = current_database()"
        ).fetchall()
    }


def _model_rows(
    connection: duckdb.DuckDBPyConnection,
    timings: Sequence[NodeTiming],
    tables: Collection[Relation],
) -> list[_Row]:
    return [
        (
            "model",
            timing.name,
            timing.status,
            timing.seconds,
            # counting a view would compute it again
            row_count(connection, timing.relation) if timing.relation in tables else None,
            None,
        )
        for timing in timings
    ]


def _computed_rows(connection: duckdb.DuckDBPyConnection) -> int:
    """Return the number of employee-years in the ledger for the current run's years."""
    row = connection.execute(
        f"select count(*) from {THIS_RUN} as run "  # noqa: S608 - our own
        "inner join intermediate.int_employee_years as ledger using (scenario_id, fingerprint) "
        "where ledger.simulation_year between run.first_year and run.last_year"
    ).fetchone()
    return row[0] if row else 0
