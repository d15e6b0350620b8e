"""Fits and backtests as a command and a job make them: files in, a scenario or a table and a page.

Relative paths are those of the process.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse.connection import open_memory
from simulation.backtest.comparison import Step, backtest
from simulation.backtest.statements import compiled_statements
from simulation.config import load_settings
from simulation.history_pages.backtest_page import write_backtest
from simulation.history_pages.evidence import Evidence, read_evidence
from simulation.history_pages.fit_page import write_fit
from simulation.history_pages.kept_backtests import keep_backtest, kept_backtest
from simulation.planning.fitting import fit
from simulation.planning.history import HistoryError, read_history, years_of
from simulation.planning.scenario_file import write_scenario

LEAST_FILES = 3


@dataclass(frozen=True)
class WrittenFit:
    """A fit with the file of its scenario and its page."""

    evidence: Evidence
    scenario_file: Path
    page: Path


def fit_history(
    paths: Sequence[Path],
    *,
    scenario: str,
    year_end: tuple[int, int] | None = None,
    target: Path | None = None,
) -> WrittenFit:
    """Fit a scenario to yearly censuses, and write it and its page.

    Args:
        paths: a census a year, the year in its name.
        scenario: the name of the scenario.
        year_end: month and day of the censuses, if it is not to be found.
        target: the file of the scenario; by default in ``fits`` of the data directory.

    Raises:
        HistoryError: the history cannot be used.
        CensusError: a file cannot be read.
        ConfigurationError: the loader does not accept the scenario.
    """
    settings = current_settings()
    folder = settings.data_directory / "fits"
    written = target or folder / f"{scenario}.yaml"
    with open_memory() as connection:
        snapshots = read_history(
            connection, paths, mappings=load_settings().census.mappings, year_end=year_end
        )
        evidence = read_evidence(connection, fit(connection, snapshots))
    write_scenario(written, scenario, evidence.fit)
    page = write_fit(
        evidence,
        settings.report_directory,
        scenario=scenario,
        steps=kept_backtest(paths, folder),
    )
    return WrittenFit(evidence, written, page)


def backtest_history(
    paths: Sequence[Path],
    *,
    year_end: tuple[int, int] | None = None,
    seeds: int,
    on_step: Callable[[Step], None],
) -> tuple[list[Step], Path]:
    """Simulate each year that has two before it, and write the page.

    Args:
        paths: three or more censuses, one a year, the year in its name.
        year_end: month and day of the censuses, if it is not to be found.
        seeds: runs that the bands are made of; 0: no bands.
        on_step: is called with each year when it is done.

    Returns:
        The simulated years and the path of the page.

    Raises:
        HistoryError: the history is too short or cannot be used.
        CensusError: a file cannot be read.
        ScratchFailedError: dbt fails.
    """
    ordered = list(years_of(paths).values())
    if len(ordered) < LEAST_FILES:
        raise HistoryError(
            f"{len(ordered)} yearly censuses are too few for a backtest, needed are three: two "
            "to fit, and the year after them to compare with"
        )
    settings = current_settings()
    steps = []
    with tempfile.TemporaryDirectory() as scratch:
        statements = compiled_statements(Path(scratch), ordered[:2], year_end)
        for number in range(LEAST_FILES, len(ordered) + 1):
            step = backtest(statements, ordered[:number], year_end=year_end, seeds=seeds)
            on_step(step)
            steps.append(step)
    keep_backtest(steps, ordered, settings.data_directory / "fits")
    return steps, write_backtest(steps, settings.report_directory)
