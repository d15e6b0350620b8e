"""What total cost and the retirement plan assume, in plain sentences."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from simulation.report.units import count, share

if TYPE_CHECKING:
    from collections.abc import Callable

    from simulation.config.sections.cost import Cost, EmployerTax
    from simulation.config.sections.retirement_plan import RetirementPlan
    from simulation.config.settings import ScenarioSettings
    from simulation.year_names import YearNames

_RATE_DIGITS = 2


def cost_in_words(settings: ScenarioSettings, years: range, names: YearNames) -> list[str]:
    """Return a sentence for each component that is configured."""
    return [
        *(_cost(settings.cost, years, names) if settings.cost else ()),
        *(_plan(settings.retirement_plan, years, names) if settings.retirement_plan else ()),
    ]


def _cost(cost: Cost, years: range, names: YearNames) -> list[str]:
    found = []
    if cost.employer_taxes:
        taxes = "; ".join(_tax(tax, years, names) for tax in cost.employer_taxes)
        found.append(f"The employer owes on pay and bonus of each employee: {taxes}.")
    by_level = "".join(
        f", {_rate(rate)} at level {level}"
        for level, rate in sorted(cost.bonus_rate_by_level.items())
    )
    unit = "a head" if cost.benefits_by == "head" else "a full-time equivalent"
    found.append(
        f"The bonus is {_by_year(cost.bonus_rate, years, names, _rate)} of pay{by_level}; benefits "
        f"are USD {_by_year(cost.benefits_per_head, years, names, count)} {unit} and year, and "
        f"overhead {_by_year(cost.overhead_rate, years, names, _rate)} of pay."
    )
    return found


def _tax(tax: EmployerTax, years: range, names: YearNames) -> str:
    rate = _by_year(tax.rate, years, names, _rate)
    if tax.cap is None:
        return f"{tax.name} {rate}"
    return f"{tax.name} {rate} up to USD {_by_year(tax.cap, years, names, count)} a year"


def _plan(plan: RetirementPlan, years: range, names: YearNames) -> list[str]:
    steps = ", ".join(f"{_rate(step.rate)} from age {step.age}" for step in plan.deferral)
    tiers = ", ".join(f"{_rate(tier.rate)} of it up to {_rate(tier.up_to)}" for tier in plan.match)
    limits = _by_year(
        {year: limits.deferral for year, limits in plan.limits.items()}, years, names, count
    )
    return [
        (
            f"Employees of {plan.minimum_age} years with {plan.minimum_service_days} days of "
            f"service may join the retirement plan and are enrolled {plan.enrolment_days} days "
            f"later; {_rate(plan.participation)} of them stay in it."
        ),
        (
            f"Participants save, of their pay from the enrolment on, {steps}; at most USD {limits} "
            f"a year, and more from age {plan.catch_up_age}. The employer adds "
            f"{tiers or 'nothing'} of pay."
        ),
    ]


def _rate(rate: float) -> str:
    digits = 0 if round(rate, 2) == rate else _RATE_DIGITS
    return share(rate, digits)


def _by_year(
    values: float | Mapping[int, float],
    years: range,
    names: YearNames,
    text: Callable[[float], str],
) -> str:
    """Return one value, or those of the years from which on they change: 7,000 (2025)."""
    # imported here: the report is read without the configuration's libraries
    from simulation.config.sections.cost import value_in

    found: dict[str, int] = {}
    for year in years:
        found.setdefault(text(value_in(values, year)), year)
    if len(found) == 1:
        return next(iter(found))
    return ", ".join(f"{value} (from {names.name(year)} on)" for value, year in found.items())
