"""The head of the report: the main figures, and the warnings for its reader."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulation.report.drawings import is_continuous
from simulation.report.units import MoneyScale, count, share, share_change

if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulation.report.figures import CensusFinding, Configuration, Figures, QualityCheck, Year
    from simulation.year_names import YearNames


@dataclass(frozen=True, slots=True)
class Headline:
    """A figure of the first row: its subject, its value, and what to compare it with."""

    subject: str
    value: str
    context: str


def _average_growth(years: Sequence[Year]) -> float | None:
    """Return the constant yearly rate that leads from the first opening to the last closing."""
    if not years[0].start_headcount:
        return None
    return (years[-1].end_headcount / years[0].start_headcount) ** (1 / len(years)) - 1


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _total(amount: float) -> str:
    return MoneyScale.of_total(amount).amount(amount)


def has_part_time(years: Sequence[Year]) -> bool:
    """Return whether anybody works part time at the end of a year."""
    return any(year.end_fte is not None and year.end_fte < year.end_headcount for year in years)


def headlines(years: Sequence[Year], names: YearNames) -> list[Headline]:
    """Return the figures of the first row, over all years."""
    first, last = years[0], years[-1]
    leavers = sum(year.terminations for year in years)
    on_target = sum(year.end_headcount == year.target_headcount for year in years)
    headcount_change = _ratio(last.end_headcount - first.start_headcount, first.start_headcount)
    payroll_change = _ratio(last.end_payroll - first.start_payroll, first.start_payroll)
    return [
        Headline(
            f"Headcount, end of {names.name(last.year)}",
            count(last.end_headcount),
            f"{share_change(headcount_change)} from {count(first.start_headcount)}",
        ),
        Headline(
            "Growth a year",
            share_change(_average_growth(years), 2),
            f"target met in {on_target} of {len(years)} years",
        ),
        Headline(
            f"Payroll, end of {names.name(last.year)}",
            _total(last.end_payroll),
            f"{share_change(payroll_change)} from {_total(first.start_payroll)}",
        ),
        Headline(
            "Hires",
            count(sum(year.hires for year in years)),
            f"{count(sum(year.new_hire_terminations for year in years))} left in their first year",
        ),
        Headline(
            "Terminations",
            count(leavers),
            f"{count(sum(year.reductions_in_force for year in years))} by reduction in force",
        ),
        Headline(
            "Promotions",
            count(sum(year.promotions for year in years)),
            f"{share(_promotion_rate(years))} of those at the start of a year",
        ),
    ]


def _promotion_rate(years: Sequence[Year]) -> float | None:
    return _ratio(
        sum(year.promotions for year in years), sum(year.start_headcount for year in years)
    )


def _is_generated(configuration: Configuration) -> bool:
    """Return whether the configuration names no file for its census, so that one is generated."""
    document = json.loads(configuration.document or "{}")
    return "census" in document and document["census"]["path"] is None


# What a failed check means to a planner; the others are named with their years.
_FAILURES_IN_WORDS = {
    "outside_band_share": (
        "{value} of the employees are paid outside the pay band of their level at the end of the "
        "worst year; more than {threshold} in {years}."
    ),
    "payroll_change": (
        "Payroll changes by {value} in the worst year; by more than {threshold} in {years}."
    ),
}


def _failures(checks: Sequence[QualityCheck], names: YearNames) -> list[str]:
    sentences, others = [], []
    for check in checks:
        if not check.failures:
            continue
        years = ", ".join(names.name(year) for year in check.failed_years)
        if check.check_name in _FAILURES_IN_WORDS:
            sentences.append(
                _FAILURES_IN_WORDS[check.check_name].format(
                    value=share(check.value), threshold=share(check.threshold, 0), years=years
                )
            )
        else:
            name = check.check_name.replace("_", " ")
            others.append(f"{name} ({years})" if years else name)
    if others:
        sentences.append(f"Quality checks failed: {'; '.join(others)}.")
    return sentences


def left_out(figures: Figures) -> list[str]:
    """Return sentences on the rows of the census that were set aside, with their numbers."""
    return [
        _of_census(finding)
        for finding in figures.findings
        if finding.topic == "left out" and not finding.is_warning
    ]


def assumed(figures: Figures) -> list[str]:
    """Return sentences on how the census was read where the file left it open."""
    return [
        _of_census(finding)
        for finding in figures.findings
        if finding.topic != "left out" and not finding.is_warning
    ]


def _of_census(finding: CensusFinding) -> str:
    return f"{finding.sentence[:1].upper()}{finding.sentence[1:]}."


def warnings(figures: Figures) -> list[str]:
    """Return sentences on what limits the use of the results; an empty list if nothing does."""
    sentences = []
    if not is_continuous(figures.years):
        sentences.append(
            "The years do not join up: one is missing, or starts from another headcount than the "
            "year before ended with. Simulate the scenario again from its first year."
        )
    if len(figures.configurations) > 1:
        sources = "; ".join(
            f"{figures.names.range(configuration.first_year, configuration.last_year)} "
            f"from {configuration.fingerprint}"
            for configuration in figures.configurations
        )
        sentences.append(f"The years come from different configurations: {sources}.")
    sentences += [
        f"No configuration is recorded for the fingerprint {configuration.fingerprint}."
        for configuration in figures.configurations
        if configuration.document is None
    ]
    if figures.census and any(_is_generated(one) for one in figures.configurations):
        sentences.append(
            f"The people are invented: no census is configured, and {figures.census.name} is "
            "generated."
        )
    sentences += [
        f"Census: {finding.sentence}." for finding in figures.findings if finding.is_warning
    ]
    sentences += _failures(figures.quality, figures.names)
    slow = [timing.name for timing in figures.timings if timing.status == "fail"]
    if slow:
        sentences.append(f"Slower than the configured limit: {', '.join(slow)}.")
    if figures.census is None:
        sentences.append("No record shows which rows of the census were accepted.")
    return sentences


def opening_sentence(years: Sequence[Year], names: YearNames) -> str:
    """Return the result in one sentence."""
    first, last = years[0], years[-1]
    before, after = count(first.start_headcount), count(last.end_headcount)
    if last.end_headcount == first.start_headcount:
        course = f"stays at {after}"
    else:
        verb = "grows" if last.end_headcount > first.start_headcount else "shrinks"
        course = f"{verb} from {before} to {after}"
    period = f"{'From' if len(years) > 1 else 'In'} {names.range(first.year, last.year)}"
    return (
        f"{period} the workforce {course} employees, and its annual payroll goes from "
        f"{_total(first.start_payroll)} to {_total(last.end_payroll)}."
    )
