"""Titles of the charts: each says what its chart shows, computed from the same figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulation.report.department_charts import DRAWN_DEPARTMENTS
from simulation.report.units import MoneyScale, count, share

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from simulation.report.figures import (
        Department,
        LevelHeadcount,
        TerminationExperience,
        Year,
    )


def headcount(years: Sequence[Year]) -> str:
    """Return how headcount moves from the first opening to the last closing."""
    start, end = years[0].start_headcount, years[-1].end_headcount
    return _course("Headcount", start, end, len(years), count(start), count(end))


def payroll(years: Sequence[Year]) -> str:
    """Return how payroll moves from the first opening to the last closing."""
    start, end = years[0].start_payroll, years[-1].end_payroll
    scale = MoneyScale.of_total(max(start, end))
    return _course("Payroll", start, end, len(years), scale.amount(start), scale.amount(end))


def _course(
    subject: str, start: float, end: float, years: int, start_text: str, end_text: str
) -> str:
    if start_text == end_text:
        return f"{subject} stays at {end_text}"
    verb = "grows" if end > start else "shrinks"
    course = f"{subject} {verb} from {start_text} to {end_text}"
    if not start or not end:
        return course
    rate = abs((end / start) ** (1 / years) - 1)
    return f"{course}, {share(rate)} a year"


def headcount_flows(years: Sequence[Year]) -> str:
    """Return how many joined and how many left over all years."""
    hires, leavers = sum(year.hires for year in years), sum(year.terminations for year in years)
    return f"{count(hires)} joined and {count(leavers)} left"


def payroll_flows(years: Sequence[Year]) -> str:
    """Return what added most to payroll over all years, and what leavers took from it."""
    added = {
        "Hires": sum(year.payroll_from_hires for year in years),
        "Promotions": sum(year.payroll_from_promotions for year in years),
        "Raises": sum(year.payroll_from_raises for year in years),
    }
    left = sum(year.payroll_from_leavers for year in years)
    most = max(added, key=lambda name: added[name])
    scale = MoneyScale.of_total(max(added[most], left))
    return (
        f"{most} add most to payroll, {scale.amount(added[most])}; "
        f"leavers take {scale.amount(left)}"
    )


def termination(dimension: str, bands: Sequence[TerminationExperience]) -> str:
    """Return which band of a dimension leaves most, and which least."""
    heading = f"By {dimension}"
    exposed = [band for band in bands if band.exposed]
    if not exposed:
        return f"{heading}, nobody was employed at the start of a year"
    most = max(exposed, key=lambda band: band.observed / band.exposed)
    least = min(exposed, key=lambda band: band.observed / band.exposed)
    most_text, least_text = (share(band.observed / band.exposed) for band in (most, least))
    if most_text == least_text:
        return f"{heading}, {most_text} leave in a year in every band"
    return (
        f"{heading}, {most.band} leave most: {most_text} a year; {least.band} least: {least_text}"
    )


def level_mix(levels: Sequence[LevelHeadcount]) -> str:
    """Return the level whose share moves most from the first year to the last, or the largest."""
    first, last = (
        {level.level: level for level in levels if level.year == year}
        for year in (min(level.year for level in levels), max(level.year for level in levels))
    )
    names = {level.level: level.level_name for level in levels}
    shares = {
        number: tuple(year[number].share if number in year else 0.0 for year in (first, last))
        for number in sorted(names)
    }
    mover = max(shares, key=lambda number: abs(shares[number][1] - shares[number][0]))
    before, after = shares[mover]
    if share(before) == share(after):
        largest = max(shares, key=lambda number: shares[number][1])
        return f"{names[largest]} is the largest level, {share(shares[largest][1])} of employees"
    verb = "rises" if after > before else "falls"
    return f"Share of {names[mover]} {verb} from {share(before)} to {share(after)}"


def departments(rows: Sequence[Department]) -> str:
    """Return the largest department at the end of the last year, and its share of employees."""
    last = [row for row in rows if row.year == max(each.year for each in rows)]
    everybody = sum(row.headcount for row in last)
    if not everybody:
        return "Nobody is employed at the end"
    largest = max(last, key=lambda row: row.headcount)
    return f"{largest.department} is the largest department, {share(largest.headcount / everybody)}"


def department_payroll(
    departments: Mapping[str, Mapping[int, Department]], first: int, last: int
) -> str:
    """Return which drawn department's payroll grew most from the end of one year to another's.

    Where none grew, it is the one that shrank least; of one year, the one with the most pay. Of
    `departments`, which begin with the largest, as many are drawn as fit.
    """
    drawn = dict(list(departments.items())[:DRAWN_DEPARTMENTS])
    is_all = len(drawn) == len(departments)
    largest = f"the {len(drawn)} largest departments"
    subject = "Payroll" if is_all else f"Of {largest}, payroll"

    def pay(name: str, year: int) -> float:
        return drawn[name][year].payroll if year in drawn[name] else 0.0

    if first == last:
        most = max(drawn, key=lambda name: pay(name, last))
        amount = pay(most, last)
        return f"{subject} is highest in {most}: {MoneyScale.of_total(amount).amount(amount)}"
    growth = {name: pay(name, last) - pay(name, first) for name in drawn}
    most = max(growth, key=lambda name: growth[name])
    amount = MoneyScale.of_total(abs(growth[most])).amount(abs(growth[most]))
    if growth[most] > 0:
        return f"{subject} grew most in {most}: by {amount}"
    if growth[most] < 0:
        every = "every department" if is_all else f"each of {largest}"
        return f"Payroll shrank in {every}, least in {most}: by {amount}"
    return f"Payroll grew in {'no department' if is_all else f'none of {largest}'}"
