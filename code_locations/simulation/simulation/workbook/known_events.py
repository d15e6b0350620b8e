"""The sheet of known events and open positions, with the outcome of each."""

from typing import Any

import duckdb

from simulation.spreadsheet import Book, Column
from simulation.stored.columns import has_column
from simulation.year_names import YearNames

_HAS_MART = """
select count(*) > 0 from information_schema.tables
where table_schema = 'marts' and table_name = 'fct_known_events'
"""

_ROWS = """
select
    simulation_year,
    event,
    employee_id,
    known_date,
    effective_date,
    department,
    level,
    outcome,
    reason,
    {absence}
from marts.fct_known_events
where scenario_id = $scenario_id and list_contains($years, simulation_year)
order by line
"""


def known_rows(connection: duckdb.DuckDBPyConnection, named: dict[str, Any]) -> list[tuple]:
    """Return the known events of a scenario's years; none in a warehouse from before them."""
    [(has_mart,)] = connection.execute(_HAS_MART).fetchall()
    if not has_mart:
        return []
    has_absences = has_column(connection, "marts.fct_known_events", "known_last_day")
    absence = "known_last_day, paid_share" if has_absences else "null, null"
    return connection.execute(_ROWS.format(absence=absence), named).fetchall()


def add_known_events(book: Book, names: YearNames, rows: list[tuple]) -> None:
    """Add the sheet, if there are any."""
    if not rows:
        return
    book.add_table(
        "Known events",
        [
            Column(heading="Year"),
            Column(heading="Event", width=12),
            Column(heading="Employee", width=18),
            Column(heading="Date", kind="date", width=12),
            Column(heading="Effective on", kind="date", width=12),
            Column(heading="Department", width=30),
            Column(heading="Level", kind="count"),
            Column(heading="Outcome", width=16),
            Column(heading="Reason", width=40),
            Column(heading="Absent until", kind="date", width=12),
            Column(heading="Paid share", kind="share", width=12),
        ],
        ((names.name(year), *values) for year, *values in rows),
    )
