"""How many are to be employed at the end of a year, in all and by department or job family."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from simulation.config.fields import MILLIONTHS
from simulation.config.sections.horizon import rate_in
from simulation.config.settings import ScenarioSettings


@dataclass(frozen=True, kw_only=True)
class Headcounts:
    """How many are employed on a day.

    Attributes:
        total: everybody.
        by_unit: those of the departments or job families that have a growth of their own.
    """

    total: int
    by_unit: Mapping[str, int] = field(default_factory=dict)

    @property
    def others(self) -> int:
        """Return how many are in the other departments or job families, or in none."""
        return self.total - sum(self.by_unit.values())


def targets_in(settings: ScenarioSettings, opening: Headcounts, year: int) -> Headcounts:
    """Return the targets for the end of ``year``; for the year before the first, the opening.

    Where the departments or job families with a growth of their own are all there are, the total
    is their sum.
    """
    named = {
        unit: _grown(settings, opening.by_unit[unit], year, _rates_of(rates))
        for unit, rates in settings.simulation.growth_by_unit.items()
    }
    if named and not opening.others:
        return Headcounts(total=sum(named.values()), by_unit=named)
    return Headcounts(total=target_headcount(settings, opening.total, year), by_unit=named)


def target_headcount(settings: ScenarioSettings, opening_headcount: int, year: int) -> int:
    """Return the headcount at the end of ``year``: round half up of n0 x product of (1 + g).

    The product is of exact fractions from the first year on, so small units grow too.
    """
    return _grown(settings, opening_headcount, year, settings.simulation.growth_in)


def in_millionths_of_one(share: float) -> int:
    """Return a share of a headcount in whole millionths."""
    return round(share * MILLIONTHS)


def _rates_of(rates: float | Mapping[int, float]) -> Callable[[int], float]:
    return lambda year: rate_in(rates, year)


def _grown(
    settings: ScenarioSettings, opening: int, year: int, growth_in: Callable[[int], float]
) -> int:
    growth = math.prod(
        1 + Fraction(in_millionths_of_one(growth_in(each)), MILLIONTHS)
        for each in range(settings.simulation.start_year, year + 1)
    )
    return math.floor(opening * growth + Fraction(1, 2))
