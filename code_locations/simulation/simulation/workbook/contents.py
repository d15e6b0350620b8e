"""The workbook of a scenario: what the report shows, and the rows behind it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from simulation.compare.differences import Comparison
from simulation.compare.sheets import add_sheets
from simulation.report import assumptions, summary
from simulation.report.cost.figures import read_costs
from simulation.report.figures import Configuration, Figures, read_figures
from simulation.spreadsheet import Book, Column, Formula, column_letter, written_book
from simulation.state.removal import shown_settings
from simulation.workbook.costs import add_costs
from simulation.workbook.known_events import add_known_events, known_rows

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
        _add_summary(book, figures)
        _add_years(book, figures)
        _add_departments(book, figures)
        _add_levels(book, figures)
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
        _add_assumptions(book, figures)
        _add_census(book, figures)
        _add_quality(book, figures)
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


def _add_summary(book: Book, figures: Figures) -> None:
    first, last, count = figures.years[0], figures.years[-1], len(figures.years)
    names, end = figures.names, count + 1
    # the row of totals is below the last year
    total = count + 2

    def summed(letter: str, attribute: str, kind: Any = "count") -> Formula:
        value = sum(getattr(year, attribute) for year in figures.years)
        return Formula(text=f"=Years!{letter}{total}", value=value, kind=kind)

    growth = last.end_headcount - first.start_headcount
    pay = last.end_payroll - first.start_payroll
    rows: list[Sequence[Any]] = [
        ("Scenario", figures.scenario_id),
        ("Years", names.span(first.year, last.year)),
        ("Census", figures.census.name if figures.census else None),
        ("Outcome", summary.opening_sentence(figures.years, names)),
        (
            f"Headcount before {names.name(first.year)}",
            Formula(text="=Years!B2", value=first.start_headcount, kind="count"),
        ),
        ("Hires", summed("C", "hires")),
        ("Leavers", summed("G", "terminations")),
        (
            f"Headcount at the end of {names.name(last.year)}",
            Formula(text=f"=Years!H{end}", value=last.end_headcount, kind="count"),
        ),
        ("Change of headcount", Formula(text="=B9-B6", value=growth, kind="count")),
        ("Promotions", summed("K", "promotions")),
        (
            f"Payroll before {names.name(first.year)}",
            Formula(text="=Years!L2", value=first.start_payroll, kind="money"),
        ),
        (
            f"Payroll at the end of {names.name(last.year)}",
            Formula(text=f"=Years!Q{end}", value=last.end_payroll, kind="money"),
        ),
        ("Change of payroll", Formula(text="=B13-B12", value=pay, kind="money")),
        ("Paid in all years", summed("S", "paid_compensation", "money")),
        *(("Look into", sentence) for sentence in summary.warnings(figures)),
        *(("Left out of the census", sentence) for sentence in summary.left_out(figures)),
    ]
    book.add_table(
        "Summary", [Column(heading="Subject", width=36), Column(heading="Value", width=60)], rows
    )


def _add_years(book: Book, figures: Figures) -> None:
    counts = [
        ("Start", None, False),
        ("Hires", None, True),
        ("Experienced terminations", None, True),
        ("Reductions in force", None, True),
        ("New-hire terminations", None, True),
        ("Leavers", "=D{row}+E{row}+F{row}", True),
        ("End", "=B{row}+C{row}-G{row}", False),
        ("Target", None, False),
    ]
    money = [
        ("Payroll at start", None, False),
        ("From hires", None, True),
        ("From promotions", None, True),
        ("From raises", None, True),
        ("Taken by leavers", None, True),
        ("Payroll at end", "=ROUND(L{row}+M{row}+N{row}+O{row}-P{row},2)", False),
        ("Average pay at end", "=Q{row}/H{row}", False),
        ("Paid in year", None, True),
    ]
    book.add_table(
        "Years",
        [
            Column(heading="Year"),
            *(
                Column(heading=heading, kind="count", formula=formula, is_totalled=is_totalled)
                for heading, formula, is_totalled in counts
            ),
            Column(heading="Growth", kind="share", formula="=H{row}/B{row}-1"),
            Column(heading="Promotions", kind="count", is_totalled=True),
            *(
                Column(
                    heading=heading,
                    kind="money",
                    width=18,
                    formula=formula,
                    is_totalled=is_totalled,
                )
                for heading, formula, is_totalled in money
            ),
        ],
        (
            (
                figures.names.name(year.year),
                year.start_headcount,
                year.hires,
                year.experienced_terminations,
                year.reductions_in_force,
                year.new_hire_terminations,
                year.terminations,
                year.end_headcount,
                year.target_headcount,
                year.growth_rate,
                year.promotions,
                year.start_payroll,
                year.payroll_from_hires,
                year.payroll_from_promotions,
                year.payroll_from_raises,
                year.payroll_from_leavers,
                year.end_payroll,
                year.end_average_compensation,
                year.paid_compensation,
            )
            for year in figures.years
        ),
    )


def _add_departments(book: Book, figures: Figures) -> None:
    years = [year.year for year in figures.years]
    cells = {(row.department, row.year): row for row in figures.departments}
    first, last = (column_letter(place) for place in (1 + len(years), 2 * len(years)))

    def of(department: str, attribute: str) -> list[Any]:
        found = [cells.get((department, year)) for year in years]
        return [getattr(row, attribute) if row else 0 for row in found]

    names = [figures.names.name(year) for year in years]
    book.add_table(
        "Departments",
        [
            Column(heading="Department", width=36),
            *(Column(heading=f"End {name}", kind="count", is_totalled=True) for name in names),
            *(Column(heading=f"Left {name}", kind="count", is_totalled=True) for name in names),
            Column(
                heading="Left in all years",
                kind="count",
                formula=f"=SUM({first}{{row}}:{last}{{row}})",
                is_totalled=True,
            ),
            *(
                Column(heading=f"Payroll {name}", kind="money", width=18, is_totalled=True)
                for name in names
            ),
        ],
        (
            (
                department,
                *of(department, "headcount"),
                *of(department, "leavers"),
                sum(of(department, "leavers")),
                *of(department, "payroll"),
            )
            for department in sorted({row.department for row in figures.departments})
        ),
    )


def _add_levels(book: Book, figures: Figures) -> None:
    years = [year.year for year in figures.years]
    cells = {(row.level, row.year): row.headcount for row in figures.levels}
    book.add_table(
        "Levels",
        [
            Column(heading="Level", width=24),
            *(
                Column(heading=f"End {figures.names.name(year)}", kind="count", is_totalled=True)
                for year in years
            ),
        ],
        (
            (name, *(cells.get((level, year), 0) for year in years))
            for level, name in sorted({(row.level, row.level_name) for row in figures.levels})
        ),
    )


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


def _add_assumptions(book: Book, figures: Figures) -> None:
    book.add_table(
        "Assumptions",
        [
            Column(heading="Years"),
            Column(heading="Setting", width=50),
            Column(heading="Value", width=60),
            Column(heading="Invented"),
        ],
        (row for each in figures.configurations for row in _assumed(figures, each)),
    )


def _assumed(figures: Figures, configuration: Configuration) -> Iterator[Sequence[Any]]:
    years = figures.names.range(configuration.first_year, configuration.last_year)
    for assumption in assumptions.in_words(configuration):
        invented = "invented" if assumption.is_invented else None
        yield years, "in words", assumption.sentence, invented
    for name, value in shown_settings(json.loads(configuration.document or "{}")).items():
        yield years, name, value if isinstance(value, str) else json.dumps(value), None


def _add_census(book: Book, figures: Figures) -> None:
    census = figures.census
    rows: list[Sequence[Any]] = []
    if census is not None:
        rows += [
            ("Accepted", None, census.rows_accepted),
            ("Left before the first year", None, census.rows_left_before_start),
            ("Set aside", None, census.rows_set_aside),
            *(
                ("Rejected", reject.reason.replace("_", " "), reject.rows)
                for reject in figures.rejects
            ),
        ]
    book.add_table(
        "Census",
        [
            Column(heading="Outcome", width=30),
            Column(heading="Reason", width=40),
            Column(heading="Rows", kind="count", is_totalled=True),
        ],
        rows,
    )


def _add_quality(book: Book, figures: Figures) -> None:
    book.add_table(
        "Quality",
        [
            Column(heading="Check", width=36),
            Column(heading="Dimension", width=16),
            Column(heading="Measurements", kind="count", is_totalled=True),
            Column(heading="Failures", kind="count", is_totalled=True),
            Column(heading="Value closest to failing", kind="decimal"),
            Column(heading="Limit", kind="decimal"),
            Column(heading="Failed in", width=30),
            Column(heading="Sentence", width=60),
        ],
        [
            *(
                (
                    check.check_name,
                    check.dimension,
                    check.measurements,
                    check.failures,
                    check.value,
                    check.threshold,
                    ", ".join(figures.names.name(year) for year in check.failed_years) or None,
                    None,
                )
                for check in figures.quality
            ),
            *(
                (finding.topic, "census", None, None, None, None, None, finding.sentence)
                for finding in figures.findings
            ),
        ],
    )
