"""The page of a backtest: simulated years beside real ones and naive forecasts."""

from collections.abc import Sequence
from pathlib import Path

from simulation.backtest.comparison import LEAST_PEOPLE, Step
from simulation.history_pages.rendering import span_of, write_page


def write_backtest(steps: Sequence[Step], folder: Path) -> Path:
    """Write the page of a backtest into ``folder``; one of the same years is replaced."""
    span = span_of(steps[0].year, steps[-1].year)
    return write_page(
        folder / f"backtest-{steps[0].year}-{steps[-1].year}.html",
        "backtest.html.j2",
        span=span,
        lead=lead(steps),
        steps=steps,
        least_people=LEAST_PEOPLE,
    )


def lead(steps: Sequence[Step]) -> str:
    """Return in a sentence how many figures are nearer than both naive forecasts."""
    figures = [figure for step in steps for figure in step.figures]
    better = sum(figure.is_better for figure in figures)
    return (
        f"{better} of {len(figures)} simulated figures are nearer to the real ones than last "
        "year's rates and no change."
    )
