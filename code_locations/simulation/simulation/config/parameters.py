"""The input of the SQL: a row of parameters for each year, and the fingerprint of it all."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from simulation.config.fields import OTHER_DEPARTMENTS
from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings
from simulation.config.targets import Headcounts, in_millionths_of_one, targets_in

FINGERPRINT_LENGTH = 16
# sections that no row of the ledger depends on; the content of the census counts, not its path
NOT_OF_ROWS = ("census", "limits", "uncertainty", "cost", "retirement_plan")
# what may differ by department: sections and fields, whose names are those of the tables in SQL too
BY_DEPARTMENT = (
    ("workforce", "leaving_by_department"),
    ("hiring", "hiring_by_department"),
    ("compensation", "cola_by_department"),
    ("compensation", "merit_by_department"),
)
BY_JOB_FAMILY = (
    ("workforce", "leaving_by_job_family"),
    ("hiring", "hiring_by_job_family"),
    ("compensation", "cola_by_job_family"),
    ("compensation", "merit_by_job_family"),
)
# between family and department in a key of those tables
_BETWEEN = "\x1f"


def fingerprint(
    *,
    scenario_id: str,
    settings: ScenarioSettings,
    census_digest: str,
    rules_digest: str,
    events_digest: str | None = None,
) -> str:
    """Return 16 hex digits that identify everything the rows of a scenario's years depend on.

    What no row depends on is left out: the last year, the paths of the census and of the known
    events (their content counts), the limits that results are checked against, how far the
    settings are known, and what is computed from the rows, as cost is.
    """
    relevant = settings.model_dump(mode="json", exclude=set(NOT_OF_ROWS))
    del relevant["simulation"]["end_year"]
    if settings.simulation.names.is_calendar:
        del relevant["simulation"]["first_day"]  # so that the years of releases before it stay
    added = (
        ("simulation", "growth_by_department"),
        ("simulation", "growth_by_job_family"),
        ("workforce", "reduction_job_families"),
    )
    for section, field in (*BY_DEPARTMENT, *BY_JOB_FAMILY, *added):
        if not relevant[section][field]:
            del relevant[section][field]  # likewise
    if events_digest is None:
        del relevant["workforce"]["known_events"]  # likewise
    else:
        relevant["workforce"]["known_events"] = events_digest
    relevant["tables"] = {name: rows for name, rows in relevant["tables"].items() if rows}
    if not relevant["tables"]:
        del relevant["tables"]  # likewise
    identity = json.dumps(
        [scenario_id, relevant, census_digest, rules_digest], sort_keys=True, ensure_ascii=True
    )
    return hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def band_index(settings: ScenarioSettings, year: int) -> float:
    """Return the pay bands at the start of ``year`` as a multiple of those in the seeds."""
    return math.prod(
        1 + _band_growth(settings, each) for each in range(settings.simulation.start_year, year)
    )


def _band_growth(settings: ScenarioSettings, year: int) -> float:
    compensation = settings.compensation
    growth = compensation.band_growth
    return rate_in(compensation.cola_rate if growth is None else growth, year)


def own_rates(settings: ScenarioSettings) -> Iterator[tuple[str, str, float]]:
    """Yield table, key and rate of what differs by department or by job family.

    The key of a family ends with the department, or with ``*`` for those without a rate of their
    own.
    """
    for section, field in BY_DEPARTMENT:
        for department, rate in getattr(getattr(settings, section), field).items():
            yield field, department, rate
    for section, field in BY_JOB_FAMILY:
        for family, rates in getattr(getattr(settings, section), field).items():
            of_departments = rates if isinstance(rates, Mapping) else {OTHER_DEPARTMENTS: rates}
            for department, rate in of_departments.items():
                yield field, f"{family}{_BETWEEN}{department}", rate


def year_parameters(
    settings: ScenarioSettings, year: int, *, opening: Headcounts
) -> dict[str, Any]:
    """Return the columns of ``raw.simulation_parameters`` for ``year``, without the keys.

    Shares of headcounts are whole millionths, because headcounts are computed in whole numbers.
    """
    start, target = (targets_in(settings, opening, each) for each in (year - 1, year))
    is_sum = bool(target.by_unit) and not opening.others
    units, unit = list(target.by_unit), settings.simulation.growing_units
    growth = target.total / start.total - 1 if is_sum else settings.simulation.growth_in(year)
    day_in = settings.simulation.day_in
    workforce, compensation, hiring = settings.workforce, settings.compensation, settings.hiring
    return {
        "simulation_year": year,
        "first_day": settings.simulation.first_day_of(year),
        "last_day": settings.simulation.last_day_of(year),
        "random_seed": settings.simulation.random_seed,
        "growth_millionths": in_millionths_of_one(growth),
        "target_headcount": target.total,
        # none without a growth by department or by job family
        "growth_departments": units if units and unit == "department" else None,
        "growth_job_families": units if units and unit == "job_family" else None,
        "department_starts": list(start.by_unit.values()) or None,
        "department_targets": list(target.by_unit.values()) or None,
        "termination_millionths": in_millionths_of_one(
            rate_in(workforce.experienced_termination_rate, year)
        ),
        "new_hire_termination_millionths": in_millionths_of_one(
            rate_in(workforce.new_hire_termination_rate, year)
        ),
        "minimum_days_before_leaving": workforce.minimum_days_before_leaving,
        "retirement_ages": [step.age for step in workforce.retirement],
        "retirement_probabilities": [step.probability for step in workforce.retirement],
        "reduction_date": day_in(year, workforce.reduction_date),
        "reduction_order": workforce.reduction_order,
        "reduction_departments": list(workforce.reduction_departments),
        "reduction_job_families": list(workforce.reduction_job_families),
        "cola_rate": rate_in(compensation.cola_rate, year),
        "cola_minimum_tenure": compensation.cola_minimum_tenure,
        "merit_budget": rate_in(compensation.merit_budget, year),
        "raise_date": day_in(year, compensation.raise_date),
        "raise_minimum_tenure": compensation.raise_minimum_tenure,
        "band_index": band_index(settings, year),
        "band_index_after_raises": band_index(settings, year + 1),
        "promotion_date": day_in(year, compensation.promotion_date),
        "promotion_rate": rate_in(compensation.promotion_rate, year),
        "promotion_minimum_tenure": compensation.promotion_minimum_tenure,
        "promotion_age_limit": compensation.promotion_age_limit,
        "promotion_increase": compensation.promotion_increase,
        "promotion_increase_spread": compensation.promotion_increase_spread,
        "promotion_increase_cap": compensation.promotion_increase_cap,
        "hire_pay_percentile": hiring.pay_percentile,
        "hire_pay_levels": list(hiring.pay_percentile_by_level),
        "hire_pay_percentiles": list(hiring.pay_percentile_by_level.values()),
        "hire_pay_spread": hiring.pay_spread,
        "recent_joiner_years": hiring.recent_joiner_years,
        "minimum_recent_joiners": hiring.minimum_recent_joiners,
        "growth_tolerance": settings.limits.growth_tolerance,
        "outside_band_share": settings.limits.outside_band_share,
    }
