"""``python -m simulation.backtest FILE FILE FILE...``: simulated years against real ones."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from simulation.planning.__main__ import add_history

if TYPE_CHECKING:
    from simulation.backtest.comparison import Step

_SEEDS = 100
_SMALL = 1.0  # figures up to it are shares


def table(step: "Step") -> str:
    """Return the figures of a step as a table, and where they are not better than naive ones."""
    lines = [
        f"The year to the end of {step.year}, fitted to the years before it",
        f"{'':24}{'real':>12}{'simulated':>12}{'last year':>12}{'no change':>12}",
    ]
    for figure in step.figures:
        digits = 4 if figure.real <= _SMALL else 0
        values = (figure.real, figure.simulated, figure.last_year, figure.no_change)
        lines.append(f"{figure.name:24}" + "".join(f"{value:>12,.{digits}f}" for value in values))
    return "\n".join([*lines, *(f"- {sentence}" for sentence in step.words())])


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table for each year that has two before it; 2 if the history cannot be used."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.backtest",
        description=(
            "Fit a scenario to all yearly censuses but the last, simulate the last year, and print "
            "it beside the real one, last year's rates and no change; with more than three files, "
            "do so for each year that has two before it. Writes a page of the same."
        ),
        epilog="Exit status: 0 if it was simulated, 2 if the history cannot be used.",
    )
    add_history(parser)
    parser.add_argument(
        "--seeds",
        type=int,
        default=_SEEDS,
        help=f"runs that the bands are made of ({_SEEDS}); 0: no bands",
    )
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from simulation.backtest.coverage import coverage_in_words
    from simulation.census import CensusError
    from simulation.history_pages.making import backtest_history
    from simulation.planning.history import HistoryError
    from simulation.scratch.models import ScratchFailedError

    try:
        steps, page = backtest_history(
            asked.files,
            year_end=asked.year_end,
            seeds=asked.seeds,
            on_step=lambda step: print(table(step)),
        )
    except (HistoryError, CensusError, ConfigurationError, ScratchFailedError) as error:
        print(error, file=sys.stderr)
        return 2
    coverage = [each for step in steps for each in step.coverage]
    if len(steps) > 1 and coverage:
        print(f"In all years, {coverage_in_words(coverage)}")
    print(f"Page: {page}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
