"""The sheets of a comparison: by year, department, level and person, and what differs."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from simulation.compare.differences import Comparison
from simulation.compare.parts import DRIVERS
from simulation.report.cost.figures import COMPONENTS
from simulation.spreadsheet import Book, Column, column_letter, written_book


def write_workbook(comparison: Comparison, *, path: Path) -> Path:
    """Write a workbook of a comparison; it appears complete or not at all.

    Raises:
        SheetFullError: more people differ than a sheet holds.
    """
    with written_book(path) as book:
        add_sheets(book, comparison)
    return path


def add_sheets(book: Book, comparison: Comparison) -> None:
    """Add all sheets of a comparison to a workbook."""
    pair = comparison.pair
    base, other = pair.base.scenario_id, pair.other.scenario_id
    book.add_table(
        "Comparison",
        _columns("Year", base, other, is_totalled=False),
        ([pair.names.name(year.year), *_amounts(year)] for year in comparison.years),
    )
    for name, groups in (
        ("Comparison departments", comparison.departments),
        ("Comparison levels", comparison.levels),
    ):
        book.add_table(
            name,
            _columns(name.split()[1].capitalize().removesuffix("s"), base, other, is_totalled=True),
            ([group.name, *_amounts(group)] for group in groups),
        )
    book.add_table(
        "Comparison by year",
        [
            *_columns("Department or level", base, other, is_totalled=False),
            Column(heading="Year", width=10),
        ],
        (
            [group.name, *_amounts(group), pair.names.name(group.year)]
            for group in (*comparison.departments_by_year, *comparison.levels_by_year)
        ),
    )
    _add_costs(book, comparison)
    book.add_table(
        "Comparison people",
        [
            Column(heading="Employee", width=16),
            Column(heading="Employed in", width=20),
            Column(heading="Driver"),
            Column(heading="Department", width=30),
            Column(heading="Level", width=16),
            Column(heading="Pay", kind="money", width=14, is_totalled=True),
            Column(heading="Hired on", kind="date", width=12),
            Column(heading="Left the other on", kind="date"),
            Column(heading="Left the other as", width=24),
        ],
        (
            [
                person.employee_id,
                person.only_in,
                person.driver,
                person.department,
                person.level_name,
                person.pay,
                person.hire_date,
                person.left_on,
                person.left_as,
            ]
            for person in comparison.people
        ),
    )
    book.add_table(
        "Comparison notes",
        [
            Column(heading="Subject", width=44),
            Column(heading=base, width=44),
            Column(heading=other, width=44),
        ],
        _notes(comparison),
    )


def _add_costs(book: Book, comparison: Comparison) -> None:
    """Add the difference of each component of the cost, if both scenarios have one."""
    if not comparison.costs:
        return
    pair = comparison.pair
    last = column_letter(2 + len(COMPONENTS))
    book.add_table(
        "Comparison cost",
        [
            Column(heading="Year"),
            *(
                Column(
                    heading=f"Total cost {each.scenario_id}",
                    kind="money",
                    width=20,
                    is_totalled=True,
                )
                for each in (pair.base, pair.other)
            ),
            *(
                Column(heading=f"{name} difference", kind="money", width=20, is_totalled=True)
                for name in COMPONENTS.values()
            ),
            Column(
                heading="Total cost difference",
                kind="money",
                width=20,
                formula=f"=ROUND(SUM(D{{row}}:{last}{{row}}),2)",
                is_totalled=True,
            ),
        ],
        (
            [
                pair.names.name(each.year),
                each.base.total_cost,
                each.other.total_cost,
                *(
                    round(getattr(each.other, component) - getattr(each.base, component), 2)
                    for component in COMPONENTS
                ),
                round(each.other.total_cost - each.base.total_cost, 2),
            ]
            for each in comparison.costs
        ),
    )


def _columns(heading: str, base: str, other: str, *, is_totalled: bool) -> list[Column]:
    first, last = (column_letter(place) for place in (7, 6 + len(DRIVERS)))
    return [
        Column(heading=heading, width=10 if heading == "Year" else 30),
        *(
            Column(heading=f"Headcount {each}", kind="count", is_totalled=is_totalled)
            for each in (base, other)
        ),
        Column(
            heading="Headcount difference",
            kind="count",
            formula="=C{row}-B{row}",
            is_totalled=is_totalled,
        ),
        *(
            Column(heading=f"Payroll {each}", kind="money", width=18, is_totalled=is_totalled)
            for each in (base, other)
        ),
        Column(
            heading="Payroll difference",
            kind="money",
            width=18,
            formula="=F{row}-E{row}",
            is_totalled=is_totalled,
        ),
        *(
            Column(heading=name.capitalize(), kind="money", width=16, is_totalled=is_totalled)
            for name in DRIVERS
        ),
        Column(
            heading="All drivers",
            kind="money",
            width=16,
            formula=f"=SUM({first}{{row}}:{last}{{row}})",
            is_totalled=is_totalled,
        ),
    ]


def _amounts(row: Any) -> Sequence[Any]:
    return [
        row.base_headcount,
        row.other_headcount,
        row.headcount,
        row.base_payroll,
        row.other_payroll,
        row.payroll,
        *row.pay.values(),
        sum(row.pay.values()),
    ]


def _notes(comparison: Comparison) -> Iterator[Sequence[Any]]:
    pair = comparison.pair
    yield "Years", pair.span, pair.span
    for subject, attribute in (
        ("Census", "census_name"),
        ("Seed", "seed"),
        ("Configuration", "fingerprint"),
    ):
        yield subject, *(str(getattr(each, attribute)) for each in (pair.base, pair.other))
    yield from pair.changed_settings()
    for warning in pair.warnings:
        yield warning, None, None
