"""Turnover, growth of pay, payroll and levels of the departments, as charts and as tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.report import charts
from simulation.report.department_charts import DRAWN_DEPARTMENTS
from simulation.report.departments.figures import pay_growth, turnover
from simulation.report.units import NONE, MoneyScale, count, share, share_change

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from simulation.report.departments.figures import DepartmentLevel, DepartmentYear
    from simulation.report.figures import Year
    from simulation.year_names import YearNames


@dataclass(frozen=True, slots=True)
class RateChart:
    """A rate of the largest departments in an average year, as SVG, below what it shows."""

    title: str
    explanation: str
    drawing: str


@dataclass(frozen=True, slots=True)
class Table:
    """A row for each department and one for all of them, with cells in words."""

    title: str
    headings: list[str]
    rows: list[tuple[str, list[str]]]


@dataclass(frozen=True, slots=True)
class _Rate:
    title: str
    explanation: str
    axis_title: str
    of: Callable[[Sequence[DepartmentYear]], float | None]
    in_words: Callable[[float | None], str]


_RATES = (
    _Rate(
        "Turnover",
        "All who left in a year, as a share of the mean of start and end headcount",
        "share who leave in a year",
        turnover,
        share,
    ),
    _Rate(
        "Growth of pay",
        "Of those who are employed all year, in a year",
        "growth of pay in a year",
        pay_growth,
        share_change,
    ),
)


def rate_charts(names: Sequence[str], rows: Sequence[DepartmentYear]) -> list[RateChart]:
    """Return turnover and growth of pay of the largest departments, over all years.

    Args:
        names: all departments, the largest first.
        rows: their years.
    """
    return [_rate_chart(rate, names, rows) for rate in _RATES]


def _rate_chart(rate: _Rate, names: Sequence[str], rows: Sequence[DepartmentYear]) -> RateChart:
    everybody = rate.in_words(rate.of(rows))
    drawn = {
        name: rate.of([row for row in rows if row.department == name])
        for name in names[:DRAWN_DEPARTMENTS]
    }
    known = {name: value for name, value in drawn.items() if value is not None}
    title = rate.title
    if known:
        most = max(known, key=lambda name: known[name])
        title = f"{rate.title} is highest in {most}: {rate.in_words(known[most])}"
        if len(drawn) < len(names):
            largest = f"the {len(drawn)} largest departments"
            title = f"Of {largest}, {title[0].lower()}{title[1:]}"
    drawing = charts.ranking(
        [
            charts.Bar(
                name=name,
                value=value or 0,
                label=rate.in_words(value),
                tooltip=f"{name}: {rate.in_words(value)} a year, all departments {everybody}",
                mark=rate.of(rows),
            )
            for name, value in drawn.items()
        ],
        axis_title=rate.axis_title,
        axis_format=".0%",
    )
    return RateChart(title, f"{rate.explanation}; all departments: {everybody}.", drawing)


def tables(
    names: Sequence[str],
    rows: Sequence[DepartmentYear],
    years: Sequence[Year],
    scale: MoneyScale,
    year_names: YearNames,
) -> list[Table]:
    """Return payroll, turnover and growth of pay by department and year.

    The last row, of all departments, is that of the whole.
    """
    cells = {(row.department, row.year): row for row in rows}
    headings = [year_names.name(year.year) for year in years]

    def by_year(
        title: str,
        in_words: Callable[[DepartmentYear], str],
        of_all: Callable[[Year], str],
    ) -> Table:
        found = [(name, [cells.get((name, year.year)) for year in years]) for name in names]
        return Table(
            title,
            headings,
            [
                *((name, [in_words(row) if row else NONE for row in of]) for name, of in found),
                ("All", [of_all(year) for year in years]),
            ],
        )

    return [
        by_year(
            f"Payroll at {year_names.closing_day}, in {scale.unit}",
            lambda row: scale.number(row.payroll),
            lambda year: scale.number(year.end_payroll),
        ),
        by_year(
            "Turnover",
            lambda row: share(turnover([row])),
            lambda year: share(year.total_turnover),
        ),
        by_year(
            "Growth of pay of those employed all year",
            lambda row: share_change(pay_growth([row]), 2),
            lambda year: share_change(year.continuous_employee_growth, 2),
        ),
    ]


def level_table(
    names: Sequence[str],
    rows: Sequence[DepartmentLevel],
    levels: Sequence[tuple[int, str]],
    closing: str,
) -> Table:
    """Return how many of each department are of each level at the end of the last year.

    Args:
        names: the departments.
        rows: their levels.
        levels: number and name of each level, the lowest first.
        closing: the day, in words.
    """
    people = {(row.department, row.level): row.headcount for row in rows}

    def cells(departments: Sequence[str]) -> list[str]:
        return [
            count(sum(people.get((name, number), 0) for name in departments))
            for number, _ in levels
        ]

    return Table(
        f"Employees by level at {closing}",
        [name for _, name in levels],
        [*((name, cells([name])) for name in names), ("All", cells(names))],
    )
