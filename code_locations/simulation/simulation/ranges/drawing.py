"""Draws the settings of a trial: a seed, and each uncertain setting once for all its years."""

import hashlib
import json
from collections.abc import Mapping
from functools import cache
from statistics import NormalDist
from typing import Any, Literal

from simulation.config.parameters import BY_DEPARTMENT
from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings
from simulation.seek.levers import Lever, all_levers

Growth = Literal["target", "outcome"]
_ByYear = Mapping[Any, float]

_DECIMALS = 6
# An interval of 90 % reaches this many standard deviations to each side.
_Z90 = NormalDist().inv_cdf(0.95)


def drawn_settings(
    settings: ScenarioSettings, seed: int, *, growth: Growth = "target"
) -> ScenarioSettings:
    """Return the settings of a trial; they depend on scenario and seed alone.

    A setting is drawn from a normal distribution around what the scenario has, a factor from a
    log-normal one, and cut at the bounds that the setting has. One draw holds for all years of a
    trial, and the same seed draws alike in all scenarios.

    Args:
        settings: the scenario, with its uncertainty.
        seed: of the trial.
        growth: whether growth is a target, or the outcome of the hires that the scenario plans
            and of the drawn leaving.
    """
    uncertainty = settings.uncertainty
    document: dict[str, Any] = json.loads(settings.model_dump_json())
    document["simulation"]["random_seed"] = seed
    for lever in _levers():
        distance = getattr(uncertainty, lever.field, None)
        if distance is None:
            continue
        shift = distance / _Z90 * _normal(seed, lever.name)
        before = getattr(getattr(settings, lever.section), lever.field)
        values = before if isinstance(before, dict) else {None: before}
        drawn = {
            year: round(min(max(value + shift, lever.low), lever.high), _DECIMALS)
            for year, value in values.items()
        }
        document[lever.section][lever.field] = drawn if isinstance(before, dict) else drawn[None]
    for section, field in BY_DEPARTMENT:
        document[section][field] |= _of_departments(settings, section, field, seed)
    if growth == "outcome":
        simulation = document["simulation"]
        leaving = document["workforce"]["experienced_termination_rate"]
        simulation["target_growth_rate"] = _resulting_growth(
            settings, simulation["target_growth_rate"], leaving
        )
        for units in (simulation["growth_by_department"], simulation["growth_by_job_family"]):
            for unit, target in units.items():
                units[unit] = _resulting_growth(settings, target, leaving)
    return ScenarioSettings.model_validate_json(json.dumps(document))


@cache
def _levers() -> list[Lever]:
    return all_levers()


def _of_departments(
    settings: ScenarioSettings, section: str, field: str, seed: int
) -> dict[str, float]:
    """Return the drawn values of a setting by department, those that are uncertain."""
    present = getattr(getattr(settings, section), field)
    # no range is stated of the points of a merit
    spread = getattr(settings.uncertainty, field, {})
    is_factor = field != "cola_by_department"
    drawn = {}
    for department, within in spread.items():
        normal = _normal(seed, f"{field}|{department}") / _Z90
        if is_factor:
            value = present.get(department, 1.0) * within**normal
            drawn[department] = min(max(round(value, _DECIMALS), 1e-6), 1000.0)
        else:
            value = present.get(department, 0.0) + within * normal
            drawn[department] = min(max(round(value, _DECIMALS), -0.5), 0.5)
    return drawn


def _resulting_growth(
    settings: ScenarioSettings, target: float | _ByYear, leaving: float | _ByYear
) -> dict[int, float]:
    """Return the growth by year if those join who are planned, and those leave who are drawn.

    What stays of the hires is planned as a share of the headcount: growth and leaving of the
    scenario together, and no less than 0. Drawn growth moves the hires by as much.
    """
    found = {}
    for year in settings.simulation.years:
        planned = rate_in(settings.workforce.experienced_termination_rate, year)
        joining = max(0.0, _rate_in(target, year) + planned)
        found[year] = round(min(max(joining - _rate_in(leaving, year), -0.5), 1.0), _DECIMALS)
    return found


def _rate_in(rates: float | _ByYear, year: int) -> float:
    """Return the rate of ``year`` in a document, whose years are text but for those drawn."""
    if not isinstance(rates, Mapping):
        return rates
    return rates[year] if year in rates else rates[str(year)]


def _normal(seed: int, name: str) -> float:
    """Return a standard normal draw that depends on nothing but seed and name."""
    digest = hashlib.sha256(f"{seed}|{name}".encode()).digest()
    uniform = (int.from_bytes(digest[:6], "big") + 0.5) / 2**48
    return NormalDist().inv_cdf(uniform)
