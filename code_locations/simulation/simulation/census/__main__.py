"""``python -m simulation.census``: inspect a census file, or generate a plausible census."""

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from simulation.census.columns.mapping import CensusError
from simulation.census.generation import generate_census


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line asks for; the exit status is 0 if the census can be used."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    return _inspect(words[1:]) if words[:1] == ["inspect"] else _generate(words)


def _inspect(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulation.census inspect",
        description=(
            "Show what each column of a census file is taken for and why, how its values are "
            "written, and which rows are left out. A run without a mapping reads the file in the "
            "same way."
        ),
        epilog="Exit status: 0 if the census can be used, 1 if not, 2 if it cannot be read.",
    )
    parser.add_argument("path", type=Path, help="CSV, Parquet or workbook file")
    parser.add_argument("--scenario", default="baseline", help="a name in simulation_config.yaml")
    parser.add_argument("--mapping", help="name of a mapping, or YAML file; default: found")
    parser.add_argument("--sheet", help="sheet of a workbook; default: the first with a census")
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="day of the census; default: the day before the scenario's first year",
    )
    parser.add_argument(
        "--write", type=Path, metavar="PATH", help="write the mapping as YAML, to change and use"
    )
    asked = parser.parse_args(arguments)
    from rich.console import Console

    from shared_lib.configuration.validated_yaml import ConfigurationError
    from simulation.census.inspection import inspect_census
    from simulation.config import load_scenario, requested_changes

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        settings = load_scenario(
            asked.scenario, changes=requested_changes(census_mapping=asked.mapping)
        )
        inspection = inspect_census(
            asked.path, settings=settings, sheet=asked.sheet, as_of=asked.as_of
        )
    except (CensusError, ConfigurationError) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    Console(highlight=False, soft_wrap=True).print(inspection.screen(), markup=False)
    if asked.write is not None:
        asked.write.write_text(inspection.mapping_text(), encoding="utf-8")
        print(f"Mapping: {asked.write}")
    return 1 if inspection.complaint else 0


def _generate(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m simulation.census",
        description=(
            "Generate a plausible census. The same arguments produce the same people. "
            "`python -m simulation.census inspect FILE` shows how a file is read instead."
        ),
    )
    parser.add_argument("path", type=Path, help="file to write, named .csv or .parquet")
    parser.add_argument("--size", type=int, required=True, help="number of employees")
    parser.add_argument(
        "--seed", type=int, default=1, help="another seed, other people (default 1)"
    )
    parser.add_argument(
        "--as-of",
        type=date.fromisoformat,
        required=True,
        metavar="YYYY-MM-DD",
        help="day of the census: by default of a simulation, the day before its first year",
    )
    asked = parser.parse_args(arguments)
    try:
        generate_census(asked.path, size=asked.size, seed=asked.seed, as_of=asked.as_of)
    except CensusError as error:
        parser.error(str(error))
    return 0


if __name__ == "__main__":
    sys.exit(main())
