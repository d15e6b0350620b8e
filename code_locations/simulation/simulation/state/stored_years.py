"""The years that the ledger holds."""

import duckdb


def completed_years(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> dict[int, str]:
    """Return the years of a scenario that the ledger holds, each with its fingerprint.

    The ledger itself is queried, because a year and its rows are committed together.
    """
    if not _has_ledger(connection):
        return {}
    rows = connection.execute(
        "select distinct simulation_year, fingerprint from intermediate.int_employee_years "
        "where scenario_id = ?",
        [scenario_id],
    ).fetchall()
    return dict(rows)


def stored_years(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, int]]:
    """Return the scenarios and years that the ledger holds."""
    if not _has_ledger(connection):
        return set()
    rows = connection.execute(
        "select distinct scenario_id, simulation_year from intermediate.int_employee_years"
    ).fetchall()
    return set(rows)


def _has_ledger(connection: duckdb.DuckDBPyConnection) -> bool:
    count = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'intermediate' and table_name = 'int_employee_years'"
    ).fetchone()
    return count != (0,)
