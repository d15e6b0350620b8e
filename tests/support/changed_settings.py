"""A valid change of each setting that the rows of the ledger depend on."""

from typing import Any

SETTING_CHANGES: dict[str, dict[str, Any]] = {
    "simulation": {
        "random_seed": 43,
        "target_growth_rate": 0.04,
        "growth_by_department": {"Sales": 0.1},
        "growth_by_job_family": {"Nurses": 0.1},
        "first_day": "02-01",
    },
    "workforce": {
        "experienced_termination_rate": 0.13,
        "new_hire_termination_rate": 0.3,
        "minimum_days_before_leaving": 60,
        "retirement": [{"age": 60, "probability": 0.5}],
        "reduction_date": "04-30",
        "reduction_order": "least_tenure",
        "reduction_departments": ["Sales"],
        "reduction_job_families": ["Clerks"],
        "leaving_by_department": {"Sales": 2.0},
        "leaving_by_job_family": {"Nurses": 2.0, "Clerks": {"Sales": 3.0, "*": 0.5}},
    },
    "hiring": {
        "pay_percentile": 0.4,
        "pay_percentile_by_level": {1: 0.4},
        "pay_spread": 0.1,
        "recent_joiner_years": 20,
        "minimum_recent_joiners": 30,
        "hiring_by_department": {"Sales": 3.0},
        "hiring_by_job_family": {"Nurses": 3.0, "Clerks": {"Sales": 3.0}},
        "level_mix": [{"level": 1, "share": 0.5}, {"level": 2, "share": 0.5}],
    },
    "compensation": {
        "cola_rate": 0.03,
        "cola_minimum_tenure": 1,
        "cola_by_department": {"Sales": 0.01},
        "cola_by_job_family": {"Nurses": 0.01, "Clerks": {"Sales": 0.02, "*": -0.01}},
        "band_growth": 0.01,
        "merit_budget": 0.05,
        "merit_by_department": {"Sales": 0.01},
        "merit_by_job_family": {"Nurses": 0.01, "Clerks": {"Sales": 0.02, "*": -0.1}},
        "raise_date": "08-15",
        "raise_minimum_tenure": 2,
        "promotion_date": "03-01",
        "promotion_rate": 0.05,
        "promotion_minimum_tenure": 2,
        "promotion_age_limit": 40,
        "promotion_increase": 0.15,
        "promotion_increase_spread": 0.01,
        "promotion_increase_cap": 0.21,
    },
}
