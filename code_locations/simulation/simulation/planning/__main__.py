"""``python -m simulation.planning fit FILE FILE...``: a scenario from yearly censuses."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Fit a scenario and print its numbers; the exit status is 2 if the history cannot be used."""
    parser = argparse.ArgumentParser(prog="python -m simulation.planning", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    fitted = commands.add_parser(
        "fit",
        help="write a scenario whose rates are those of two or more yearly censuses",
        description=(
            "Match people of yearly censuses by employee_id, and estimate leaving by tenure, age, "
            "level and department, growth, raises and promotions. Writes the shipped configuration "
            "with one more scenario, each number with its exposure, what was observed, what is "
            "kept of it, and an interval, and a page of the same."
        ),
        epilog="Exit status: 0 if it was written, 2 if the history cannot be used.",
    )
    add_history(fitted)
    fitted.add_argument("--scenario", default="fitted", help="name of the scenario (fitted)")
    fitted.add_argument(
        "--write",
        type=Path,
        metavar="PATH",
        help="file to write; default: fits/SCENARIO.yaml in the data directory",
    )
    asked = parser.parse_args(arguments)
    return _fit(asked)


def add_history(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name the files of a history."""
    parser.add_argument(
        "files",
        nargs="+",
        type=Path,
        help="a census a year, the year in its name, such as fy2012.csv",
    )
    parser.add_argument(
        "--year-end",
        type=month_and_day,
        metavar="MM-DD",
        help="day of the censuses; default: 12-31, or the month of the newest hires",
    )


def month_and_day(text: str) -> tuple[int, int]:
    """Return the month and the day of a text such as ``06-30``."""
    from simulation.planning.history import HistoryError, day_of_year

    try:
        return day_of_year(text)
    except HistoryError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _fit(asked: argparse.Namespace) -> int:
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from simulation.census import CensusError
    from simulation.history_pages.making import fit_history
    from simulation.planning.history import HistoryError
    from simulation.planning.scenario_file import scenario_text

    try:
        written = fit_history(
            asked.files, scenario=asked.scenario, year_end=asked.year_end, target=asked.write
        )
    except (HistoryError, CensusError, ConfigurationError) as error:
        print(error, file=sys.stderr)
        return 2
    found = written.evidence.fit
    for snapshot in found.snapshots:
        print(f"{snapshot.path.name}: {snapshot.people:,} people on {snapshot.day}")
    print(scenario_text(asked.scenario, found))
    print(f"Scenario: {written.scenario_file}")
    print(f"Page: {written.page}")
    print(f"Copy `{asked.scenario}` below `scenarios:` of simulation_config.yaml to run it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
