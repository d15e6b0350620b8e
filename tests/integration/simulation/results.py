"""What a run has left in the warehouse, in a form that can be compared."""

from pathlib import Path

import duckdb

LEDGER = "intermediate.int_employee_years"

# What differs between two runs, even if their rows are equal.
_OF_THE_RUN = ("run_id", "completed_at", "recorded_at", "requested_at")
# Tables that hold but the scenario of the latest run, or what was ever computed.
_NOT_RESULTS = ("simulation_config", "simulation_run")


def figures(warehouse: Path) -> list[tuple[int, ...]]:
    """For each year of the baseline: year, end, experienced leavers, hires, new-hire leavers."""
    return rows(
        warehouse,
        "select simulation_year, end_headcount, experienced_terminations, hires, "
        "new_hire_terminations from marts.fct_year_summary where scenario_id = 'baseline' "
        "order by simulation_year",
    )


def rows(warehouse: Path, query: str) -> list[tuple]:
    """The rows of a query."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(query).fetchall()


def outcome(warehouse: Path, scenario: str = "baseline") -> dict[str, list[tuple]]:
    """Count and digest of each year of each result; equal where all rows are."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        relations = [
            LEDGER,
            "raw.simulation_year_state",
            "monitoring.mon_data_quality",
            *(name for name in _keyed_by_scenario(connection) if name.startswith("marts.")),
        ]
        return {
            relation: connection.execute(
                "select simulation_year, count(*), bit_xor(md5_number(entry::varchar)) "
                f"from (select columns(lambda name: name not in {_OF_THE_RUN}) from {relation} "
                "where scenario_id = ?) as entry group by simulation_year order by all",
                [scenario],
            ).fetchall()
            for relation in relations
        }


def everything_of(warehouse: Path, scenario: str) -> dict[str, tuple]:
    """Count and digest of every table and view that holds rows of ``scenario``, whole."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = {}
        for relation in _keyed_by_scenario(connection):
            count_and_digest = connection.execute(
                f"select count(*), bit_xor(md5_number(entry::varchar)) from {relation} as entry "
                "where scenario_id = ?",
                [scenario],
            ).fetchone()
            assert count_and_digest is not None
            found[relation] = count_and_digest
        return found


def _keyed_by_scenario(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select distinct schema_name, table_name from duckdb_columns() "
        "where column_name = 'scenario_id' order by all"
    ).fetchall()
    return [
        f"{schema}.{table}"
        for schema, table in found
        if f"{schema}.{table}" == LEDGER
        or (schema in {"raw", "marts", "monitoring"} and table not in _NOT_RESULTS)
    ]
