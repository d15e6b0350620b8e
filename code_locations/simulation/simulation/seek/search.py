"""Solves for levers by bisection: each step is a simulation run."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulation.config.settings import ScenarioSettings
from simulation.seek.levers import STEP, Lever
from simulation.seek.target import SeekRefusedError, Target
from simulation.state.runs import YearRefusedError

Simulate = Callable[[ScenarioSettings], float]


@dataclass(frozen=True, kw_only=True)
class Try:
    """One run: where the lever was, and what the measure came to."""

    lever: Lever
    value: float
    measure: float
    is_met: bool


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """How a search ended.

    Attributes:
        tries: the runs, in order.
        values: what each moved lever ends at.
        settings: with these.
        measure: what the target's measure comes to with these.
        is_met: whether the target is met.
    """

    tries: list[Try]
    values: list[tuple[Lever, float]]
    settings: ScenarioSettings
    measure: float
    is_met: bool


def seek(
    simulate: Simulate,
    settings: ScenarioSettings,
    target: Target,
    levers: Sequence[Lever],
    *,
    present: float,
    on_try: Callable[[Try], None],
) -> Outcome:
    """Move the levers, one after the other, until the target is met.

    A lever ends as near to its present value as the target allows, in steps of :data:`STEP`. One
    that does not reach the target stays where it comes nearest, and the next one is moved.

    Args:
        simulate: runs a simulation and returns the target's measure.
        settings: of the scenario.
        target: what is sought.
        levers: in the order in which they are moved.
        present: what the measure comes to with these settings.
        on_try: called after each run.
    """
    tries: list[Try] = []
    values: list[tuple[Lever, float]] = []
    measure = present
    for lever in levers:
        if target.is_met(measure):
            break
        search = _Search(simulate, settings, target, lever, measure, on_try)
        best = search.best()
        tries += search.tries
        values.append((lever, best.value))
        measure = best.measure
        settings = lever.moved(settings, best.value)
    return Outcome(
        tries=tries,
        values=values,
        settings=settings,
        measure=measure,
        is_met=target.is_met(measure),
    )


class _Search:
    """The search of one lever, in whole steps, so that no step is tried twice."""

    def __init__(
        self,
        simulate: Simulate,
        settings: ScenarioSettings,
        target: Target,
        lever: Lever,
        measure: float,
        on_try: Callable[[Try], None],
    ) -> None:
        self._simulate = simulate
        self._settings = settings
        self._target = target
        self._lever = lever
        self._on_try = on_try
        self._known: dict[int, Try] = {}
        self._start = round(lever.current(settings, target.year) / STEP)
        present = self._made(self._start, measure)
        if lever.moved(settings, present.value) == settings:
            self._known[self._start] = present
        self.tries: list[Try] = []

    def best(self) -> Try:
        """Return the value nearest to the present one that meets the target, or comes nearest."""
        low, high = round(self._lever.low / STEP), round(self._lever.high / STEP)
        nearest = min(max(self._start, low), high)
        tried = [self._try(place) for place in (low, high, nearest)]
        if not any(each.is_met for each in tried):
            # a measure that turns within the bounds may be met where it is not at their ends
            tried += [self._try((end + nearest) // 2) for end in (low, high)]
        met = [each for each in tried if each.is_met]
        if not met:
            return min(tried, key=lambda each: self._target.missed_by(each.measure))
        good = min((self._place(each) for each in met), key=lambda place: abs(place - nearest))
        bad = nearest
        while abs(good - bad) > 1:
            middle = (good + bad) // 2
            if self._try(middle).is_met:
                good = middle
            else:
                bad = middle
        return self._try(good)

    def _place(self, tried: Try) -> int:
        return round(tried.value / STEP)

    def _try(self, place: int) -> Try:
        if place not in self._known:
            moved = self._lever.moved(self._settings, _value(place))
            try:
                made = self._made(place, self._simulate(moved))
            except YearRefusedError as error:
                label = self._lever.label
                message = (
                    f"{label} {_value(place):g}: {error}. Narrow its bounds: {label}=low..high"
                )
                raise SeekRefusedError(message) from None
            self._known[place] = made
            self.tries.append(made)
            self._on_try(made)
        return self._known[place]

    def _made(self, place: int, measure: float) -> Try:
        return Try(
            lever=self._lever,
            value=_value(place),
            measure=measure,
            is_met=self._target.is_met(measure),
        )


def _value(place: int) -> float:
    return round(place * STEP, 4)
