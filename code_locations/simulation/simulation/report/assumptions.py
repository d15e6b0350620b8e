"""What a scenario assumes, in plain sentences made from its recorded configuration."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from simulation.report.cost.assumptions import cost_in_words
from simulation.report.units import count, share

if TYPE_CHECKING:
    from collections.abc import Mapping

    from simulation.config.sections.compensation import Compensation
    from simulation.config.sections.hiring import Hiring
    from simulation.config.sections.workforce import Workforce
    from simulation.config.settings import ScenarioSettings
    from simulation.report.figures import Configuration
    from simulation.year_names import YearNames

_REDUCTION_ORDERS = {
    "least_tenure": "the last hired leave first",
    "lowest_level": "the lowest levels leave first",
    "hazard": "those likeliest to leave go first",
}


@dataclass(frozen=True, slots=True)
class Assumption:
    """A sentence on what the results rest on; `is_invented` if it is about invented people."""

    sentence: str
    is_invented: bool = False


def in_words(configuration: Configuration) -> list[Assumption]:
    """Return the assumptions of the years of a configuration, one sentence each.

    A configuration that is not recorded, or that another release wrote, has no sentences; the page
    shows its text all the same.
    """
    from pydantic import ValidationError

    from simulation.config.settings import ScenarioSettings

    try:
        settings = ScenarioSettings.model_validate_json(configuration.document or "{}")
    except ValidationError:
        return []
    years = range(configuration.first_year, configuration.last_year + 1)
    names = settings.simulation.names
    return [
        _source(settings),
        Assumption(f"The target growth of headcount is {_growth(settings, years, names)} a year."),
        *map(Assumption, _growth_by_unit(settings, years, names)),
        *map(Assumption, _leaving(settings.workforce, years, names)),
        *map(Assumption, _known_events(settings.workforce)),
        Assumption(_hire_pay(settings.hiring), is_invented=True),
        *map(Assumption, _raises(settings.compensation, years, names)),
        *map(Assumption, cost_in_words(settings, years, names)),
        Assumption(
            f"Chance is drawn with the seed {settings.simulation.random_seed}; another seed has "
            "another, equally likely, outcome."
        ),
    ]


def _source(settings: ScenarioSettings) -> Assumption:
    opening = settings.opening_date
    day = f"{opening.day} {opening:%B %Y}"
    if settings.census.path is not None:
        return Assumption(f"The workforce at {day} is that of the file {settings.census.path}.")
    return Assumption(
        f"The workforce at {day} is a generated census of {count(settings.census.generated_size)} "
        f"people, drawn with the seed {settings.census.generated_seed}.",
        is_invented=True,
    )


def _growth(settings: ScenarioSettings, years: range, names: YearNames) -> str:
    return _by_year(settings.simulation.target_growth_rate, years, names)


def _growth_by_unit(settings: ScenarioSettings, years: range, names: YearNames) -> list[str]:
    own = settings.simulation.growth_by_unit
    if not own:
        return []
    listed = "; ".join(f"{unit} {_by_year(rates, years, names)}" for unit, rates in own.items())
    units = "Departments" if settings.simulation.growing_units == "department" else "Job families"
    return [
        (
            f"{units} with a growth of their own: {listed}. The others share what is left of "
            "the target of all; where there are no others, the target is the sum."
        )
    ]


def _leaving(workforce: Workforce, years: range, names: YearNames) -> list[str]:
    retirement = ", ".join(
        f"{share(step.probability)} a year from age {step.age}" for step in workforce.retirement
    )
    first = "".join(
        f", from {', '.join(names_of_them)} before other {units}"
        for names_of_them, units in (
            (workforce.reduction_departments, "departments"),
            (workforce.reduction_job_families, "job families"),
        )
        if names_of_them
    )
    return [
        (
            f"Of those employed at the start of a year, "
            f"{_by_year(workforce.experienced_termination_rate, years, names)} leave in it, "
            "retirements included."
        ),
        (
            f"Of the hires of a year, "
            f"{_by_year(workforce.new_hire_termination_rate, years, names)} leave again in it, "
            f"after {workforce.minimum_days_before_leaving} days at the earliest."
        ),
        f"Retirement: {retirement}." if retirement else "Nobody retires because of age.",
        (
            f"A reduction in force is on {_day(workforce.reduction_date)}: "
            f"{_REDUCTION_ORDERS[workforce.reduction_order]}{first}."
        ),
    ]


def _known_events(workforce: Workforce) -> list[str]:
    if workforce.known_events is None:
        return []
    return [
        (
            "Known joiners, leavers, absences, transfers and open positions are those of the file "
            f"{workforce.known_events}; they count among the hires and leavers of their year."
        )
    ]


def _hire_pay(hiring: Hiring) -> str:
    at = share(hiring.pay_percentile, 0)
    levels = "".join(
        f", {share(percentile, 0)} at level {level}"
        for level, percentile in sorted(hiring.pay_percentile_by_level.items())
    )
    return (
        "Hires are invented, and paid as those who joined in the last "
        f"{hiring.recent_joiner_years} years before the start; where these are fewer than "
        f"{count(hiring.minimum_recent_joiners)}, at {at} of the pay band of their level{levels}, "
        f"give or take {share(hiring.pay_spread, 0)} of the band."
    )


def _raises(pay: Compensation, years: range, names: YearNames) -> list[str]:
    bands = (
        "as the cost of living"
        if pay.band_growth is None
        else f"by {_by_year(pay.band_growth, years, names)}"
    )
    return [
        (
            f"On {_day(pay.raise_date)} pay rises by "
            f"{_by_year(pay.cola_rate, years, names)} for the "
            f"cost of living after {_years(pay.cola_minimum_tenure)} of service, and by "
            f"{_by_year(pay.merit_budget, years, names)} of payroll for merit after "
            f"{_years(pay.raise_minimum_tenure)}."
        ),
        f"Pay bands and the pay of hires rise {bands}.",
        (
            f"On {_day(pay.promotion_date)} a typical employee has a chance of "
            f"{_by_year(pay.promotion_rate, years, names)} of a promotion, which raises pay by "
            f"{share(pay.promotion_increase)} on average."
        ),
    ]


def _years(number: int) -> str:
    return f"{number} year" if number == 1 else f"{number} years"


def _day(month_day: str) -> str:
    """Return the month and day of a setting, ``07-15``, as 15 July."""
    day = date.fromisoformat(f"2000-{month_day}")
    return f"{day.day} {day:%B}"


def _by_year(rates: float | Mapping[int, float], years: range, names: YearNames) -> str:
    """Return one rate, or the rate of each year: 0.0 % (2025), -5.0 % (2026)."""
    if isinstance(rates, (int, float)):
        return share(rates)
    return ", ".join(f"{share(rates[year])} ({names.name(year)})" for year in years)
