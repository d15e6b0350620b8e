"""The sheets of total cost and the retirement plan."""

from collections.abc import Iterable, Sequence
from typing import Any

from simulation.report.cost.figures import COMPONENTS, Cost, PlanYear
from simulation.spreadsheet import Book, Column, column_letter
from simulation.year_names import YearNames


def add_costs(
    book: Book,
    names: YearNames,
    *,
    costs: Sequence[Cost],
    departments: Iterable[Cost],
    plan: Sequence[PlanYear],
) -> None:
    """Add a sheet of the years, of the departments and of the plan, each if there is anything."""
    if costs:
        book.add_table(
            "Cost",
            [Column(heading="Year"), *_columns(first=1)],
            ([names.name(cost.year), *_amounts(cost)] for cost in costs),
        )
        book.add_table(
            "Cost departments",
            [Column(heading="Department", width=36), Column(heading="Year"), *_columns(first=2)],
            (
                [cost.department, names.name(cost.year), *_amounts(cost)]
                for cost in sorted(departments, key=lambda each: (each.department, each.year))
            ),
        )
    if plan:
        book.add_table(
            "Retirement plan",
            [
                Column(heading="Year"),
                Column(heading="Employees", kind="count"),
                Column(heading="Eligible", kind="count"),
                Column(heading="Enrolled", kind="count"),
                Column(heading="Pay while enrolled", kind="money", width=18, is_totalled=True),
                Column(heading="Saved", kind="money", width=18, is_totalled=True),
                Column(heading="At the limit", kind="count"),
                Column(heading="Match", kind="money", width=18, is_totalled=True),
            ],
            (
                [
                    names.name(year.year),
                    year.employees,
                    year.eligible,
                    year.enrolled,
                    year.enrolled_pay,
                    year.savings,
                    year.at_limit,
                    year.employer_match,
                ]
                for year in plan
            ),
        )


def _columns(*, first: int) -> list[Column]:
    """Return the columns of a cost, the first of which is after ``first`` others."""
    headcount, pay = (column_letter(place) for place in (first, first + 1))
    last, total = (column_letter(first + len(COMPONENTS) + place) for place in (0, 1))
    return [
        Column(heading="Average headcount", kind="decimal"),
        *(
            Column(heading=name, kind="money", width=18, is_totalled=True)
            for name in COMPONENTS.values()
        ),
        Column(
            heading="Total cost",
            kind="money",
            width=18,
            formula=f"=ROUND(SUM({pay}{{row}}:{last}{{row}}),2)",
            is_totalled=True,
        ),
        Column(
            heading="Per employee",
            kind="money",
            width=16,
            formula=f"={total}{{row}}/{headcount}{{row}}",
        ),
    ]


def _amounts(cost: Cost) -> list[Any]:
    return [
        cost.average_headcount,
        *(getattr(cost, component) for component in COMPONENTS),
        cost.total_cost,
        cost.per_employee,
    ]
