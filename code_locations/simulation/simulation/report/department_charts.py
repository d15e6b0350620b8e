"""The charts of the departments: headcount and payroll, at the end of the first and last year."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.report import charts
from simulation.report.units import MoneyScale, count

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulation.report.figures import Department, Year
    from simulation.year_names import YearNames

# More bars would not fit; the table below the charts has every department.
DRAWN_DEPARTMENTS = 12


def department_charts(
    departments: Mapping[str, Mapping[int, Department]],
    years: Sequence[Year],
    scale: MoneyScale,
    names: YearNames,
) -> tuple[str, str]:
    """Return headcount and payroll of the largest departments as SVG, in the order passed."""
    first, last = years[0].year, years[-1].year
    begin, end = names.name(first), names.name(last)
    headcounts, payrolls = [], []
    for name, rows in list(departments.items())[:DRAWN_DEPARTMENTS]:
        people = [rows[year].headcount if year in rows else 0 for year in (first, last)]
        pay = [rows[year].payroll if year in rows else 0 for year in (first, last)]
        headcounts.append(
            charts.Bar(
                name=name,
                value=people[1],
                label=count(people[1]),
                tooltip=f"{name}: {count(people[0])} employees at the end of {begin}, "
                f"{count(people[1])} at the end of {end}",
                mark=people[0],
            )
        )
        payrolls.append(
            charts.Bar(
                name=name,
                value=scale.scaled(pay[1]),
                label=scale.number(pay[1]),
                tooltip=f"{name}: annual pay of {scale.amount(pay[0])} at the end of {begin}, "
                f"{scale.amount(pay[1])} at the end of {end}",
                mark=scale.scaled(pay[0]),
            )
        )
    return (
        charts.ranking(headcounts, axis_title="employees", axis_format=",d"),
        charts.ranking(payrolls, axis_title=scale.unit, axis_format=",~r"),
    )
