"""Sheets of the figures: summary, years, departments and levels."""

from collections.abc import Sequence
from typing import Any

from simulation.report import summary
from simulation.report.figures import Figures
from simulation.spreadsheet import Book, Column, Formula, column_letter


def add_summary(book: Book, figures: Figures) -> None:
    """Add the sheet of the figures that the report begins with."""
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


def add_years(book: Book, figures: Figures) -> None:
    """Add the sheet with a row for each year, and totals as formulas."""
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
    has_part_time = summary.has_part_time(figures.years)
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
            *([Column(heading="FTE at end", kind="decimal")] if has_part_time else ()),
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
                *([year.end_fte] if has_part_time else ()),
            )
            for year in figures.years
        ),
    )


def add_departments(book: Book, figures: Figures) -> None:
    """Add the sheet with a row for each department."""
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


def add_levels(book: Book, figures: Figures) -> None:
    """Add the sheet with a row for each level."""
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
