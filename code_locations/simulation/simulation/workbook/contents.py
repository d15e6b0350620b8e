"""The workbook of a scenario: what the report shows, and the rows behind it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from simulation.compare.differences import Comparison
from simulation.compare.sheets import add_sheets
from simulation.report.cost.figures import read_costs
from simulation.report.figures import Figures, read_figures
from simulation.spreadsheet import Book, Column, written_book
from simulation.workbook.costs import add_costs
from simulation.workbook.inputs import add_assumptions, add_census, add_quality
from simulation.workbook.known_events import add_known_events, known_rows
from simulation.workbook.totals import add_departments, add_levels, add_summary, add_years

_FETCHED_ROWS = 10_000

_EVENTS = """
select
    simulation_year,
    effective_date,
    employee_id,
    event_type,
    event_category,
    previous_level,
    new_level,
    previous_compensation,
    new_compensation
from marts.fct_yearly_events
where scenario_id = $scenario_id and list_contains($years, simulation_year)
order by simulation_year, effective_date, employee_id, event_sequence
"""

_PEOPLE = """
select
    simulation_year,
    employee_id,
    replace(detailed_status, '_', ' ') as status,
    department,
    level_name,
    hire_date,
    birth_date,
    termination_date,
    age,
    tenure_years,
    annual_compensation,
    prorated_compensation
from marts.fct_workforce_snapshot
where scenario_id = $scenario_id and list_contains($years, simulation_year)
order by simulation_year, employee_id
"""


class YearsMissingError(ValueError):
    """None of the requested years is stored; the message names those that are."""


def write_scenario_workbook(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    path: Path,
    years: range | None = None,
    has_people: bool = False,
    comparison: Comparison | None = None,
) -> Path:
    """Write the workbook of one scenario; it appears complete or not at all.

    Args:
        connection: the simulation's warehouse; it is only read.
        scenario_id: the scenario.
        path: the file; an existing one is replaced.
        years: those to write, by default all.
        has_people: whether every employee of every year is listed.
        comparison: the scenario against another, for sheets of its own.

    Returns:
        The path of the file.

    Raises:
        ValueError: the scenario has no results; the message names the scenarios that do.
        YearsMissingError: it has none of the years.
        SheetFullError: there are more events or people than a sheet holds.
    """
    figures = read_figures(connection, scenario_id)
    stored = [year.year for year in figures.years]
    kept = [year for year in stored if years is None or year in years]
    if not kept:
        message = f"scenario {scenario_id} has the years {stored[0]} to {stored[-1]} alone"
        raise YearsMissingError(message)
    figures = _of_years(figures, kept)
    named = {"scenario_id": scenario_id, "years": kept}
    with written_book(path) as book:
        add_summary(book, figures)
        add_years(book, figures)
        add_departments(book, figures)
        add_levels(book, figures)
        departments = read_costs(connection, scenario_id, by_department=True)
        add_costs(
            book,
            figures.names,
            costs=figures.costs,
            departments=[cost for cost in departments if cost.year in kept],
            plan=figures.plan,
        )
        add_known_events(book, figures.names, known_rows(connection, named))
        _add_events(book, figures, _streamed(connection, _EVENTS, named))
        if has_people:
            _add_people(book, figures, _streamed(connection, _PEOPLE, named))
        if comparison is not None:
            add_sheets(book, comparison)
        add_assumptions(book, figures)
        add_census(book, figures)
        add_quality(book, figures)
    return path


def _of_years(figures: Figures, years: Sequence[int]) -> Figures:
    """Leave out what is of other years; configurations stay, because they name their own."""
    return replace(
        figures,
        years=[row for row in figures.years if row.year in years],
        departments=[row for row in figures.departments if row.year in years],
        levels=[row for row in figures.levels if row.year in years],
        costs=[row for row in figures.costs if row.year in years],
        plan=[row for row in figures.plan if row.year in years],
    )


def _streamed(
    connection: duckdb.DuckDBPyConnection, query: str, named: dict[str, Any]
) -> Iterator[tuple[Any, ...]]:
    cursor = connection.cursor()
    # a cursor does not begin with the database that its connection uses, such as the lake
    [(database,)] = connection.execute("select current_database()").fetchall()
    cursor.execute(f'use "{database}"')
    cursor.execute(query, named)
    while rows := cursor.fetchmany(_FETCHED_ROWS):
        yield from rows


def _add_events(book: Book, figures: Figures, rows: Iterator[tuple[Any, ...]]) -> None:
    book.add_table(
        "Events",
        [
            Column(heading="Year"),
            Column(heading="Date", kind="date", width=12),
            Column(heading="Employee", width=18),
            Column(heading="Event", width=14),
            Column(heading="Kind", width=26),
            Column(heading="Level before", kind="count"),
            Column(heading="Level after", kind="count"),
            Column(heading="Pay before", kind="money", width=16),
            Column(heading="Pay after", kind="money", width=16),
        ],
        (
            (
                figures.names.name(year),
                day,
                employee,
                event,
                category.replace("_", " "),
                *amounts,
            )
            for year, day, employee, event, category, *amounts in rows
        ),
    )


def _add_people(book: Book, figures: Figures, rows: Iterator[tuple[Any, ...]]) -> None:
    book.add_table(
        "People",
        [
            Column(heading="Year"),
            Column(heading="Employee", width=18),
            Column(heading="Status", width=26),
            Column(heading="Department", width=30),
            Column(heading="Level", width=16),
            Column(heading="Hired on", kind="date", width=12),
            Column(heading="Born on", kind="date", width=12),
            Column(heading="Left on", kind="date", width=12),
            Column(heading="Age", kind="count"),
            Column(heading="Tenure", kind="count"),
            Column(heading="Annual pay", kind="money", width=16),
            Column(heading="Paid in year", kind="money", width=16, is_totalled=True),
        ],
        ((figures.names.name(year), *values) for year, *values in rows),
    )
