"""What the warehouse has of finished runs that no stored year is of any more.

A new run of a scenario replaces its rows in the ledger. What it recorded beside them stays, by its
fingerprint or its id, and grows with each run.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta

import duckdb

from shared_lib.warehouse import transaction

# Each has rows by fingerprint.
_INPUTS = (
    "simulation_parameters",
    "hire_level_mix",
    "known_events",
    "scenario_levels",
    "scenario_rates",
    "simulation_configurations",
)
_LEDGER = "int_employee_years"

# A stored year is of it, or the run that is going on, or it is the last of its scenario.
_OLD_FINGERPRINTS = """
create or replace temporary table old_fingerprints as
with in_use as (
    {in_ledger}
    select fingerprint from raw.simulation_year_state
    union
    select fingerprint from raw.simulation_run
),

latest as (
    select arg_max(fingerprint, recorded_at) as fingerprint
    from raw.simulation_configurations
    group by scenario_id
)

select fingerprint
from raw.simulation_configurations
where
    recorded_at < $before
    and fingerprint not in (select fingerprint from in_use)
    and fingerprint not in (select fingerprint from latest)
"""
_OLD_TIMINGS = """
recorded_at < $before
and run_id not in (
    select arg_max(run_id, recorded_at)
    from raw.pipeline_timings
    group by scenario_id
)
and run_id not in (select run_id from raw.simulation_run)
"""


def delete_old_runs(
    connection: duckdb.DuckDBPyConnection, *, keep_days: float, is_dry: bool, now: datetime
) -> Counter[str]:
    """Delete what was recorded before and is of no stored year; return the rows by table.

    Args:
        connection: to the warehouse, with the tables of :mod:`simulation.state.tables`.
        keep_days: for how long everything stays.
        is_dry: only count.
        now: the moment, UTC without a zone, as the tables have it.
    """
    before = {"before": now - timedelta(days=keep_days)}
    counted: Counter[str] = Counter()
    with transaction(connection):
        connection.execute(_OLD_FINGERPRINTS.format(in_ledger=_in_ledger(connection)), before)
        conditions = dict.fromkeys(
            _INPUTS, "fingerprint in (select fingerprint from old_fingerprints)"
        )
        for table, is_old in {**conditions, "pipeline_timings": _OLD_TIMINGS}.items():
            named = before if "$before" in is_old else {}
            query = f"from raw.{table} where {is_old}"
            counted[table] = _count(connection, query, named)
            if not is_dry:
                connection.execute(f"delete {query}", named)
        connection.execute("drop table old_fingerprints")
    return +counted


def _in_ledger(connection: duckdb.DuckDBPyConnection) -> str:
    """Return the part of the query that reads the ledger, which dbt makes in the first run."""
    has_ledger = _count(
        connection,
        "from duckdb_tables() where schema_name = 'intermediate' and table_name = $name",
        {"name": _LEDGER},
    )
    return f"select fingerprint from intermediate.{_LEDGER} union" if has_ledger else ""  # noqa: S608 - our name


def _count(connection: duckdb.DuckDBPyConnection, query: str, named: Mapping[str, object]) -> int:
    row = connection.execute(f"select count(*) {query}", named).fetchone()
    return row[0] if row else 0
