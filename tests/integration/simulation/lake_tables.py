"""The tables of a lake beside those of a file."""

from pathlib import Path

import duckdb

from shared_lib.warehouse.backends import read_location

# of another run, at another time
_OF_THE_RUN = ("run_id", "completed_at", "recorded_at", "requested_at", "applied_at")
# a run that was stopped computed some years, so the one after it begins later
_ABOUT_THE_RUN = ("raw.pipeline_timings", "raw.simulation_config", "raw.simulation_run")


def assert_the_lake_has_the_rows_of(file: Path) -> None:
    """Compare every table, with its columns and rows."""
    with read_location("simulation") as connection:
        connection.execute(f"attach '{file}' as file (read_only)")
        tables = {
            table: columns
            for table, columns in _tables(connection, "file").items()
            # of the last run alone, so in memory beside the lake
            if not table.startswith("intermediate.") or table == "intermediate.int_employee_years"
        }
        assert tables == {
            table: columns
            for table, columns in _tables(connection, "simulation").items()
            if table != "raw.published_layout"
        }
        assert len(tables) > 20
        for table, columns in tables.items():
            if table in _ABOUT_THE_RUN:
                continue
            chosen = ", ".join(columns)
            different = connection.execute(
                f"(select {chosen} from file.{table} except all select {chosen} from {table}) "
                f"union all "
                f"(select {chosen} from {table} except all select {chosen} from file.{table})"
            ).fetchall()
            assert not different, table


def _tables(connection: duckdb.DuckDBPyConnection, catalog: str) -> dict[str, list[str]]:
    found = connection.execute(
        "select schema_name || '.' || table_name, "
        "list(column_name order by column_name) filter (column_name not in $run) "
        "from duckdb_columns() where database_name = $catalog and not internal "
        "and schema_name in ('raw', 'intermediate', 'marts', 'seeds') group by all",
        {"catalog": catalog, "run": _OF_THE_RUN},
    ).fetchall()
    return dict(found)
