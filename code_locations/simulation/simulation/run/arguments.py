"""The command line of ``python -m simulation.run``."""

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """The requested options; None means not given.

    Attributes:
        scenario: a name in the configuration file.
        census: the census file.
        mapping: the name of the mapping to read it with.
        generate: employees in a generated census.
        years: first to last year.
        start_year: the first year of the scenario, for a census of the day before it.
        fresh: whether to start over where an earlier run was interrupted.
        replace: whether stored years may be removed.
        wait: seconds to wait for another run.
    """

    scenario: str
    census: str | None
    mapping: str | None
    generate: int | None
    years: range | None
    start_year: int | None
    fresh: bool
    replace: bool
    wait: float | None

    def settings(self) -> dict[str, Any]:
        """Return the requested settings, named as in a request to Dagster."""
        asked = {
            "census_path": str(Path(self.census).resolve()) if self.census else None,
            "census_mapping": _absolute_if_file(self.mapping),
            "generated_size": self.generate,
            "start_year": self.start_year,
            "end_year": self.years[-1] if self.years else None,
        }
        return {name: value for name, value in asked.items() if value is not None}


def _absolute_if_file(mapping: str | None) -> str | None:
    is_file = mapping is not None and Path(mapping).suffix in {".yaml", ".yml"}
    return str(Path(mapping).resolve()) if mapping is not None and is_file else mapping


def parse_arguments(arguments: Sequence[str] | None = None) -> Arguments:
    """Parse the command line; an invalid argument prints the usage and ends the process."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.run",
        description=(
            "Run a scenario from census to report, through Dagster. The run is recorded in the "
            "Dagster instance; at the end come a table of the years and the report's path."
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="a name in simulation_config.yaml")
    parser.add_argument(
        "--census", help="CSV, Parquet or workbook file; without it one is generated"
    )
    parser.add_argument("--mapping", help="column mapping or YAML file with one; default: found")
    parser.add_argument("--generate", type=int, metavar="N", help="employees in a generated census")
    parser.add_argument(
        "--years",
        type=parse_years,
        metavar="2025-2029",
        help="first and last year; without it those of the scenario",
    )
    parser.add_argument(
        "--start-year",
        type=int,
        metavar="YEAR",
        help="the scenario's first year, which starts from the census, not from a stored year",
    )
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="start from the first year even if an earlier run broke off",
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="remove stored years that another configuration, census or set of rules came to",
    )
    parser.add_argument(
        "--wait",
        type=parse_seconds,
        metavar="SECONDS",
        help="how long to wait for another run to finish with the warehouse; 60 if left out",
    )
    return Arguments(**vars(parser.parse_args(arguments)))


def parse_years(text: str) -> range:
    """Return ``2025-2029`` or ``2025`` as a range of years.

    Raises:
        argparse.ArgumentTypeError: the format is wrong, or the last year precedes the first.
    """
    match = re.fullmatch(r"(\d{4})(?:-(\d{4}))?", text)
    if match is None:
        message = f"{text!r} is not a year or two years with a dash, such as 2025-2029"
        raise argparse.ArgumentTypeError(message)
    first, last = int(match[1]), int(match[2] or match[1])
    if last < first:
        message = f"{text!r} ends before it begins"
        raise argparse.ArgumentTypeError(message)
    return range(first, last + 1)


def parse_seconds(text: str) -> float:
    """Return ``2.5`` as seconds.

    Raises:
        argparse.ArgumentTypeError: not a number, or below 0.
    """
    if re.fullmatch(r"\d+(\.\d+)?", text) is None:
        message = f"{text!r} is not a number of seconds, allowed is 0 or more"
        raise argparse.ArgumentTypeError(message)
    return float(text)
