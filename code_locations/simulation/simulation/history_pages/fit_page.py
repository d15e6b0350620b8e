"""The page of a fit: observed and fitted leaving, joiners and raises of a history."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from simulation.backtest.comparison import Step
from simulation.history_pages.charts import RatePoint, rates
from simulation.history_pages.evidence import Evidence, LeavingRate
from simulation.history_pages.rendering import span_of, write_page
from simulation.planning.fitted_numbers import Number
from simulation.planning.hiring import Hiring
from simulation.report import charts, units

_DRAWN = 12
_NAMES = {"tenure_band": "tenure", "age_band": "age", "job_family": "job family"}
_COUNTED = ("workforce.experienced_termination_rate", "compensation.promotion_rate")
_POSITION_OF_BANDS = (
    "The files have no levels: five bands of pay stand for them, from the 10 % with the highest "
    "pay, which are level 5, to the 10 % with the lowest."
)
_POSITION_IN_LEVEL = (
    "Fifths of the pay within each level. Pay is no factor of the fit: where fitted is outside "
    "the interval of the observed, pay says what the other properties do not."
)


@dataclass(frozen=True)
class _Group:
    """A part of the section on leaving: rates of one property, as chart and table."""

    name: str
    title: str
    note: str
    rates: Sequence[LeavingRate]
    drawing: str

    @property
    def is_factor(self) -> bool:
        """Return whether the scenario has a factor for each of the rates."""
        return self.rates[0].alike is not None


def write_fit(
    evidence: Evidence, folder: Path, *, scenario: str, steps: Sequence[Step] = ()
) -> Path:
    """Write the page of a fit into ``folder``; one of the same scenario and years is replaced.

    Args:
        evidence: the fit and its history.
        folder: the folder of the reports.
        scenario: the name of the fitted scenario.
        steps: a backtest on the same censuses.
    """
    fit = evidence.fit
    first, last = fit.snapshots[0].year, fit.snapshots[-1].year
    all_raises = fit.number("compensation.cola_rate")
    return write_page(
        folder / f"fit-{scenario}-{first}-{last}.html",
        "fit.html.j2",
        scenario=scenario,
        span=span_of(first, last),
        lead=lead(evidence),
        fit=fit,
        groups=[_group(name, found, evidence) for name, found in evidence.leaving.items()],
        years=evidence.years,
        hiring=_hiring(fit.hiring),
        raises=evidence.raises,
        all_raises=all_raises,
        raise_title=_raise_title(all_raises),
        raise_drawing=_raises_chart(evidence, all_raises),
        numbers=[
            (number, _observed(number), fit.settings["uncertainty"].get(_key(number)))
            for number in fit.numbers
        ],
        steps=steps,
    )


def lead(evidence: Evidence) -> str:
    """Return what the history says in a sentence."""
    fit = evidence.fit
    left, raised, growth = (
        fit.number(name)
        for name in (
            "workforce.experienced_termination_rate",
            "compensation.cola_rate",
            "simulation.target_growth_rate",
        )
    )
    return (
        f"{units.count(left.observed)} of {units.count(left.exposed)} people and years left, "
        f"{units.share(left.value)} a year; those who stayed got {units.share(raised.value)} more "
        f"a year, and growth of {units.share(growth.value)} a year is expected to go on."
    )


def _group(name: str, found: Sequence[LeavingRate], evidence: Evidence) -> _Group:
    shown = _NAMES.get(name, name)
    note = ""
    if name == "pay position":
        note = _POSITION_IN_LEVEL if evidence.has_levels else _POSITION_OF_BANDS
    if len(found) > _DRAWN:
        note = f"The {_DRAWN} with the most people are drawn; the table has all."
    return _Group(shown, _title(shown, found), note, found, _chart(found[:_DRAWN]))


def _title(name: str, found: Sequence[LeavingRate]) -> str:
    """Return where the fitted rates are highest and lowest."""
    most, least = (choose(found, key=lambda rate: rate.fitted) for choose in (max, min))
    if units.share(most.fitted) == units.share(least.fitted):
        return f"By {name}, {units.share(most.fitted)} leave everywhere"
    return (
        f"By {name}, {units.share(least.fitted)} ({least.name}) to {units.share(most.fitted)} "
        f"({most.name}) leave"
    )


def _chart(found: Sequence[LeavingRate]) -> str:
    points = [
        RatePoint(
            rate.name,
            rate.observed,
            rate.fitted,
            rate.low,
            rate.high,
            f"{rate.name}: {units.count(rate.left)} of {units.count(rate.exposed)} left "
            f"({units.share(rate.observed)}); fitted {units.share(rate.fitted)}, 90 % "
            f"{units.share(rate.low)} to {units.share(rate.high)}",
        )
        for rate in found
    ]
    return rates(points, axis_title="share who leave in a year")


def _hiring(hiring: Sequence[Hiring]) -> list[tuple[Hiring, float, float]]:
    """Return departments, most hires first, each with its observed and fitted share of all."""
    hired = sum(each.hired for each in hiring)
    fitted = sum(each.hired * each.factor for each in hiring)
    return [
        (each, each.hired / hired, each.hired * each.factor / fitted)
        for each in sorted(hiring, key=lambda each: (-each.hired, each.name))
    ]


def _raise_title(number: Number) -> str:
    return (
        f"Raises of {units.share(number.value)} are fitted, from "
        f"{units.count(number.exposed)} people and years"
    )


def _raises_chart(evidence: Evidence, number: Number) -> str:
    bars = [
        charts.Bar(
            name=str(year.year),
            value=year.increase,
            label=units.share(year.increase),
            tooltip=(
                f"{year.year}: pay of those who stayed rose by {units.share(year.increase)}; "
                f"fitted {units.share(number.value)}"
            ),
            mark=number.value,
            mark_error=(number.high - number.low) / 2,
        )
        for year in evidence.years
    ]
    return charts.bars(bars, axis_title="raise of those who stayed", axis_format=".1%")


def _observed(number: Number) -> float:
    """Return the observed rate; of what happens to people, their number is known."""
    if number.name not in _COUNTED:
        return number.observed
    return number.observed / number.exposed if number.exposed else 0.0


def _key(number: Number) -> str:
    return number.name.partition(".")[2]
