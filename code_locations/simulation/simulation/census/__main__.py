"""``python -m simulation.census``: a plausible census, to try the simulation with."""

import argparse
from datetime import date
from pathlib import Path

from simulation.census.generation import generate_census
from simulation.census.mapping import CensusError


def main() -> None:
    """Generate the census that the command line asks for."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.census",
        description="Generate a plausible census. The same arguments give the same people.",
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
        help="day of the census: 31 December before the first simulated year",
    )
    asked = parser.parse_args()
    try:
        generate_census(asked.path, size=asked.size, seed=asked.seed, as_of=asked.as_of)
    except CensusError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
