"""``python -m simulation.backtest FILE FILE FILE...``: simulated years against real ones."""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import duckdb

from shared_lib.configuration.validated_yaml import ConfigurationError
from shared_lib.dbt.compiled import Statement
from shared_lib.warehouse.connection import open_memory
from simulation.backtest.comparison import START_YEAR, Step, backtest, open_year
from simulation.backtest.coverage import Coverage, coverage_in_words
from simulation.census import CensusError
from simulation.config import load_settings
from simulation.planning.__main__ import add_history
from simulation.planning.fitting import fit
from simulation.planning.history import HistoryError, read_history, years_of
from simulation.scratch.models import ScratchFailedError, build_models

_LEAST_FILES = 3
_SEEDS = 100
_SMALL = 1.0  # figures up to it are shares


def compiled_statements(
    directory: Path, paths: Sequence[Path], year_end: tuple[int, int] | None
) -> tuple[Statement, ...]:
    """Build the models once in ``directory`` and return the SQL of ``START_YEAR``."""
    warehouse = directory / "simulation.duckdb"
    with open_memory() as connection:
        snapshots = read_history(
            connection, paths, mappings=load_settings().census.mappings, year_end=year_end
        )
        found = fit(connection, snapshots)
        connection.execute(f"attach '{warehouse}' as warehouse")
        connection.execute("create table warehouse.people as from people")
    with duckdb.connect(str(warehouse)) as connection:
        open_year(connection, found)
    return build_models(warehouse, range(START_YEAR, START_YEAR + 1))


def table(step: Step) -> str:
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
            "do so for each year that has two before it."
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
    try:
        paths = list(years_of(asked.files).values())
        if len(paths) < _LEAST_FILES:
            parser.error(
                f"{len(paths)} yearly censuses are too few for a backtest, needed are three: two "
                "to fit, and the year after them to compare with"
            )
        coverage: list[Coverage] = []
        with tempfile.TemporaryDirectory() as scratch:
            statements = compiled_statements(Path(scratch), paths[:2], asked.year_end)
            for number in range(_LEAST_FILES, len(paths) + 1):
                step = backtest(
                    statements, paths[:number], year_end=asked.year_end, seeds=asked.seeds
                )
                print(table(step))
                coverage += step.coverage
            if len(paths) > _LEAST_FILES and coverage:
                print(f"In all years, {coverage_in_words(coverage)}")
    except (HistoryError, CensusError, ConfigurationError, ScratchFailedError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
