"""The charts of the report, and the words that go with each."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from simulation.report import charts
from simulation.report.units import MoneyScale, change, count, decimal, share, share_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.report.figures import LevelHeadcount, TerminationExperience, Year
    from simulation.year_names import YearNames

# Age and level are side by side, tenure is beside its table.
_EXPERIENCE_AXES = {
    "tenure": "completed years with the company",
    "age": "age in completed years",
    "level": "job level",
}


@dataclass(frozen=True, slots=True)
class Panel:
    """The flows of one year as SVG, below a title with its opening and closing total."""

    title: str
    drawing: str


def is_continuous(years: Sequence[Year]) -> bool:
    """Return whether each year follows the one before and starts from its closing headcount."""
    return all(
        following.year == year.year + 1 and following.start_headcount == year.end_headcount
        for year, following in pairwise(years)
    )


def headcount_by_year(years: Sequence[Year], names: YearNames) -> str:
    """Return headcount at the end of each year beside its target, as SVG."""
    opening = years[0]
    opening_day = names.closing(opening.year - 1)
    bars = [
        charts.Bar(
            name=names.name(opening.year - 1),
            value=opening.start_headcount,
            label=count(opening.start_headcount),
            tooltip=f"{opening_day}: {count(opening.start_headcount)} employees at the start",
            is_opening=True,
        )
    ]
    bars += [
        charts.Bar(
            name=names.name(year.year),
            value=year.end_headcount,
            label=count(year.end_headcount),
            tooltip=(
                f"{names.closing(year.year)}: {count(year.end_headcount)} employees, "
                f"target {count(year.target_headcount)}, growth {share_change(year.growth_rate)}"
            ),
            mark=year.target_headcount,
        )
        for year in years
    ]
    return charts.bars(bars, axis_title=f"employees at {names.closing_day}", axis_format=",d")


def payroll_by_year(years: Sequence[Year], scale: MoneyScale, names: YearNames) -> str:
    """Return payroll at the end of each year, as SVG."""
    opening = years[0]
    opening_payroll = scale.amount(opening.start_payroll)
    bars = [
        charts.Bar(
            name=names.name(opening.year - 1),
            value=scale.scaled(opening.start_payroll),
            label=scale.number(opening.start_payroll),
            tooltip=f"{names.closing(opening.year - 1)}: annual pay of {opening_payroll}",
            is_opening=True,
        )
    ]
    bars += [
        charts.Bar(
            name=names.name(year.year),
            value=scale.scaled(year.end_payroll),
            label=scale.number(year.end_payroll),
            tooltip=(f"{names.closing(year.year)}: annual pay of {scale.amount(year.end_payroll)}"),
        )
        for year in years
    ]
    return charts.bars(bars, axis_title=scale.unit, axis_format=",~r")


def headcount_flows(years: Sequence[Year], names: YearNames) -> list[Panel]:
    """Return who joined and who left in each year, on one axis."""
    panels = [
        [
            charts.Flow(
                name,
                value,
                change(value),
                f"{names.name(year.year)}, {name.lower()}: {change(value)} employees",
            )
            for name, value in (
                ("Hires", year.hires),
                ("Experienced terminations", -year.experienced_terminations),
                ("Reductions in force", -year.reductions_in_force),
                ("New-hire terminations", -year.new_hire_terminations),
            )
        ]
        for year in years
    ]
    return [
        Panel(
            f"{names.name(year.year)}: from {count(year.start_headcount)} "
            f"to {count(year.end_headcount)}",
            drawing,
        )
        for year, drawing in zip(years, charts.flows(panels, axis_format=",d"), strict=True)
    ]


def payroll_flows(years: Sequence[Year], scale: MoneyScale, names: YearNames) -> list[Panel]:
    """Return what added to payroll and what took from it in each year, on one axis."""
    panels = [
        [
            charts.Flow(
                name,
                scale.scaled(value),
                scale.change(value),
                f"{names.name(year.year)}, {name.lower()}: {scale.change(value)} {scale.unit}",
            )
            for name, value in (
                ("Hires", year.payroll_from_hires),
                ("Promotions", year.payroll_from_promotions),
                ("Raises", year.payroll_from_raises),
                ("Leavers", -year.payroll_from_leavers),
            )
        ]
        for year in years
    ]
    return [
        Panel(
            f"{names.name(year.year)}: from {scale.number(year.start_payroll)} "
            f"to {scale.number(year.end_payroll)}",
            drawing,
        )
        for year, drawing in zip(years, charts.flows(panels, axis_format=",~r"), strict=True)
    ]


def termination_rates(experience: Sequence[TerminationExperience]) -> dict[str, str]:
    """Return the observed beside the expected rates by tenure, age and level, as SVG."""
    drawn = {}
    for dimension, axis_title in _EXPERIENCE_AXES.items():
        bands = [band for band in experience if band.dimension == dimension]
        if bands:
            drawn[dimension] = charts.bars(
                [_termination_bar(band) for band in bands],
                axis_title="share who left in a year",
                axis_format=".0%",
                name_title=axis_title,
            )
    return drawn


def _termination_bar(band: TerminationExperience) -> charts.Bar:
    if not band.exposed:
        return charts.Bar(
            name=band.band, value=0, label="", tooltip=f"{band.band}: nobody was in this band"
        )
    observed = band.observed / band.exposed
    expected = band.expected / band.exposed
    return charts.Bar(
        name=band.band,
        value=observed,
        label=share(observed),
        tooltip=(
            f"{band.band}: {count(band.observed)} of {count(band.exposed)} left "
            f"({share(observed)}); the hazards let expect {decimal(band.expected, 1)} "
            f"({share(expected)})"
        ),
        mark=expected,
        mark_error=2 * band.standard_error / band.exposed,
    )


def level_mix(levels: Sequence[LevelHeadcount], names: YearNames) -> str:
    """Return the division of each year's employees by level, as SVG."""
    return charts.level_mix(
        [
            charts.Segment(
                year=names.name(level.year),
                level=level.level,
                share=level.share,
                label=share(level.share, 0),
                tooltip=(
                    f"{level.level_name}, {names.closing(level.year)}: "
                    f"{count(level.headcount)} employees ({share(level.share)})"
                ),
            )
            for level in levels
        ]
    )
