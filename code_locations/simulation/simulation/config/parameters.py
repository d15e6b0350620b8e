"""The input of the SQL: a row of parameters for each year, and the fingerprint of it all."""

import hashlib
import json
from datetime import date
from typing import Any

from simulation.config.settings import MILLIONTHS, ScenarioSettings

FINGERPRINT_LENGTH = 16


def fingerprint(
    *, scenario_id: str, settings: ScenarioSettings, census_digest: str, rules_digest: str
) -> str:
    """Return 16 hex digits that identify everything the rows of a scenario's years depend on.

    What no row depends on is left out: the last year, the path of the census (its content
    counts), and the limits that results are checked against.
    """
    relevant = settings.model_dump(mode="json", exclude={"census": True, "limits": True})
    del relevant["simulation"]["end_year"]
    identity = json.dumps(
        [scenario_id, relevant, census_digest, rules_digest], sort_keys=True, ensure_ascii=True
    )
    return hashlib.sha256(identity.encode()).hexdigest()[:FINGERPRINT_LENGTH]


def year_parameters(settings: ScenarioSettings, year: int) -> dict[str, Any]:
    """Return the columns of ``raw.simulation_parameters`` for ``year``, without the keys.

    Shares of headcounts are whole millionths, because headcounts are computed in whole numbers.
    """
    workforce, compensation = settings.workforce, settings.compensation
    return {
        "simulation_year": year,
        "random_seed": settings.simulation.random_seed,
        "growth_millionths": _millionths(settings.simulation.growth_in(year)),
        "termination_millionths": _millionths(workforce.total_termination_rate),
        "new_hire_termination_millionths": _millionths(workforce.new_hire_termination_rate),
        "minimum_days_before_leaving": workforce.minimum_days_before_leaving,
        "cola_rate": compensation.cola_rate,
        "merit_budget": compensation.merit_budget,
        "raise_date": date.fromisoformat(f"{year}-{compensation.raise_date}"),
        "raise_minimum_tenure": compensation.raise_minimum_tenure,
        "promotion_date": date.fromisoformat(f"{year}-{compensation.promotion_date}"),
        "promotion_minimum_tenure": compensation.promotion_minimum_tenure,
        "promotion_age_limit": compensation.promotion_age_limit,
        "promotion_increase": compensation.promotion_increase,
        "promotion_increase_spread": compensation.promotion_increase_spread,
        "promotion_increase_cap": compensation.promotion_increase_cap,
        "hire_pay_percentile": settings.hiring.pay_percentile,
        "growth_tolerance": settings.limits.growth_tolerance,
    }


def _millionths(share: float) -> int:
    return round(share * MILLIONTHS)
