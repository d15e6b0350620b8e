"""The chart of total cost, and its title."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.report import charts
from simulation.report.units import MoneyScale, count, share

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.report.cost.figures import Cost, PlanYear
    from simulation.year_names import YearNames


def title(costs: Sequence[Cost]) -> str:
    """Return how total cost moves from the first year to the last, and what pay is of it."""
    first, last = costs[0].total_cost, costs[-1].total_cost
    scale = MoneyScale.of_total(max(first, last))
    pay = share(costs[-1].paid_compensation / last, 0)
    if len(costs) == 1 or scale.amount(first) == scale.amount(last):
        return f"People cost {scale.amount(last)} a year, of which pay is {pay}"
    verb = "grows" if last > first else "shrinks"
    return (
        f"Total cost {verb} from {scale.amount(first)} to {scale.amount(last)}, of which pay is "
        f"{pay}"
    )


def plan_title(plan: Sequence[PlanYear], names: YearNames) -> str:
    """Return how many of the eligible take part in the last year, and what the employer adds."""
    last = plan[-1]
    scale = MoneyScale.of_total(last.employer_match)
    return (
        f"In {names.name(last.year)}, {count(last.enrolled)} of {count(last.eligible)} eligible "
        f"employees are in the retirement plan, and the employer adds "
        f"{scale.amount(last.employer_match)}"
    )


def cost_by_year(costs: Sequence[Cost], scale: MoneyScale, names: YearNames) -> str:
    """Return total cost of each year beside its pay, as SVG."""
    bars = [
        charts.Bar(
            name=names.name(cost.year),
            value=scale.scaled(cost.total_cost),
            label=scale.number(cost.total_cost),
            tooltip=(
                f"{names.name(cost.year)}: people cost {scale.amount(cost.total_cost)}, "
                f"of which pay is {scale.amount(cost.paid_compensation)}"
            ),
            mark=scale.scaled(cost.paid_compensation),
        )
        for cost in costs
    ]
    return charts.bars(bars, axis_title=scale.unit, axis_format=",~r")
