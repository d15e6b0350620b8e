"""What total cost and the retirement plan of a year are computed by, as columns of tables."""

from itertools import pairwise
from typing import Any

from simulation.config.sections.cost import Cost, value_in
from simulation.config.sections.retirement_plan import RetirementPlan


def cost_rates(cost: Cost, year: int) -> dict[str, Any]:
    """Return the columns of ``raw.cost_rates`` for ``year``, without the keys."""
    taxes = cost.employer_taxes
    return {
        "tax_rates": [value_in(tax.rate, year) for tax in taxes],
        "tax_caps": [value_in(tax.cap, year) for tax in taxes],
        "benefits_per_head": value_in(cost.benefits_per_head, year),
        "bonus_rate": value_in(cost.bonus_rate, year),
        "bonus_levels": list(cost.bonus_rate_by_level),
        "bonus_rates": list(cost.bonus_rate_by_level.values()),
        "overhead_rate": value_in(cost.overhead_rate, year),
        "benefits_by_fte": cost.benefits_by == "fte",
    }


def plan_rates(plan: RetirementPlan, year: int, *, random_seed: int) -> dict[str, Any]:
    """Return the columns of ``raw.retirement_plans`` for ``year``, without the keys."""
    limits = value_in(plan.limits, year)
    return {
        "random_seed": random_seed,
        "minimum_age": plan.minimum_age,
        "minimum_service_days": plan.minimum_service_days,
        "enrolment_days": plan.enrolment_days,
        "participation": plan.participation,
        "deferral_ages": [step.age for step in plan.deferral],
        "deferral_rates": [step.rate for step in plan.deferral],
        "match_from": [below for below, _ in pairwise([0.0, *(tier.up_to for tier in plan.match)])],
        "match_up_to": [tier.up_to for tier in plan.match],
        "match_rates": [tier.rate for tier in plan.match],
        "deferral_limit": limits.deferral,
        "catch_up_age": plan.catch_up_age,
        "catch_up_limit": limits.catch_up,
        "pay_limit": limits.pay,
    }
