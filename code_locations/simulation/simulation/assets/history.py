"""What is made of yearly censuses on request: a fitted scenario, and a backtest of one."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg
from pydantic import Field

from simulation.assets.links import link_to

if TYPE_CHECKING:
    from simulation.backtest.comparison import Step
    from simulation.backtest.coverage import Coverage


_FILES = "A census a year, its year in the name, such as `/data/fy2012.csv`."
_YEAR_END = "Day of the censuses, such as `06-30`; default: as for the command."


class FitRequest(dg.Config):
    """Which history to fit a scenario to."""

    history: list[str] = Field(min_length=2, description=_FILES)
    scenario: str = Field(default="fitted", description="Name of the scenario.")
    year_end: str | None = Field(default=None, description=_YEAR_END)


class BacktestRequest(dg.Config):
    """Which history to simulate again."""

    history: list[str] = Field(min_length=3, description=_FILES)
    year_end: str | None = Field(default=None, description=_YEAR_END)
    seeds: int = Field(default=100, ge=0, description="Runs that bands are made of; 0: no bands.")


@dg.asset
def fitted_scenario(context: dg.AssetExecutionContext, config: FitRequest) -> dg.MaterializeResult:
    """A scenario whose rates are those of two or more yearly censuses, with its page."""
    from simulation.history_pages.fit_page import lead
    from simulation.history_pages.making import fit_history
    from simulation.planning.history import day_of_year

    written = fit_history(
        [Path(path) for path in config.history],
        scenario=config.scenario,
        year_end=day_of_year(config.year_end) if config.year_end else None,
    )
    found = written.evidence.fit
    for sentence in found.warnings:
        context.log.warning(sentence)
    context.log.info(lead(written.evidence))
    return dg.MaterializeResult(
        metadata={
            "scenario": config.scenario,
            "outcome": lead(written.evidence),
            "scenario_file": dg.MetadataValue.path(written.scenario_file),
            "thin_places": "\n".join(found.warnings),
            **{number.name.partition(".")[2]: number.value for number in found.numbers},
            "page": dg.MetadataValue.path(written.page),
            "link": link_to(written.page),
        }
    )


@dg.asset(
    check_specs=[
        dg.AssetCheckSpec(
            "backtest_beats_naive",
            asset="history_backtest",
            description="Each figure is nearer than last year's rates and no change.",
        ),
        dg.AssetCheckSpec(
            "bands_cover_what_came",
            asset="history_backtest",
            description="80 % bands cover 70 to 90 % of the figures of departments.",
        ),
    ]
)
def history_backtest(
    context: dg.AssetExecutionContext, config: BacktestRequest
) -> dg.MaterializeResult:
    """Each year that has two before it, simulated by a fit to those, beside the real one."""
    from simulation.history_pages.backtest_page import lead
    from simulation.history_pages.making import backtest_history
    from simulation.planning.history import day_of_year

    # without the resource: dbt builds in a scratch warehouse, and others need not wait for it
    steps, page = backtest_history(
        [Path(path) for path in config.history],
        year_end=day_of_year(config.year_end) if config.year_end else None,
        seeds=config.seeds,
        on_step=lambda step: context.log.info("\n".join(step.words())),
    )
    last = {figure.name: figure for figure in steps[-1].figures}
    return dg.MaterializeResult(
        metadata={
            "outcome": lead(steps),
            **{
                f"{name.replace(' ', '_').replace(',', '')}_{kind}": getattr(last[name], kind)
                for name in ("headcount", "leavers", "payroll, M")
                for kind in ("real", "simulated")
            },
            "page": dg.MetadataValue.path(page),
            "link": link_to(page),
        },
        check_results=[naive_result(steps), coverage_result(steps)],
    )


def naive_result(steps: "Sequence[Step]") -> dg.AssetCheckResult:
    """Return a pass if each figure of each year is nearer than the naive forecasts."""
    worse = [
        f"{figure.name} of {step.year}"
        for step in steps
        for figure in step.figures
        if not figure.is_better
    ]
    return dg.AssetCheckResult(
        check_name="backtest_beats_naive",
        passed=not worse,
        severity=dg.AssetCheckSeverity.WARN,
        description=(
            f"not better than both naive forecasts: {', '.join(worse)}"
            if worse
            else "better than both naive forecasts in every figure"
        ),
        metadata={
            f"{measure}_{step.year}_nearer": f"{sum(each.is_nearer for each in figures)} of "
            f"{len(figures)} departments"
            for step in steps
            for measure, figures in step.departments.items()
        },
    )


def coverage_result(steps: "Sequence[Step]") -> dg.AssetCheckResult:
    """Return a pass if the bands cover their share of the figures; without bands, a pass."""
    from simulation.backtest.coverage import LEAST_SHARE, MOST_SHARE, coverage_in_words

    found = [each for step in steps for each in step.coverage]
    share = _covered(found)
    return dg.AssetCheckResult(
        check_name="bands_cover_what_came",
        passed=share is None or LEAST_SHARE <= share <= MOST_SHARE,
        severity=dg.AssetCheckSeverity.WARN,
        description="no bands were made" if share is None else coverage_in_words(found),
        metadata={} if share is None else {"covered": share},
    )


def _covered(found: "Iterable[Coverage]") -> float | None:
    counts = [(each.covered, each.cells) for each in found]
    cells = sum(cells for _, cells in counts)
    return sum(covered for covered, _ in counts) / cells if cells else None
