"""``python -m simulation.compare BASE OTHER``: what makes the difference of two scenarios."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.compare.differences import Comparison


# Width of the table, in characters; a file has no width of its own.
_TABLE_WIDTH = 124


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the page and the workbook, and print the years; the exit status is 2 on a refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.compare",
        description=(
            "Compare two scenarios of the warehouse, by driver, year, department, level and "
            "person. Writes a page and a workbook beside the reports."
        ),
    )
    parser.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="two names; the first is the base"
    )
    asked = parser.parse_args(arguments)
    scenarios = [name for given in asked.scenarios for name in given.split()]
    if len(scenarios) != 2:  # noqa: PLR2004 - a pair
        parser.error(
            f"needs two scenarios, the first of which is the base, not {len(scenarios)}: "
            "such as baseline hiring_freeze"
        )
    # imported here so that --help and usage errors respond at once
    from shared_lib.configuration.environment import current_settings
    from simulation.command_line import run_command
    from simulation.compare.attribution import UnexplainedDifferenceError
    from simulation.compare.pair import ComparisonRefusedError
    from simulation.compare.writing import read_comparison, write_comparison

    def work(progress: Callable[[str], None]) -> int:
        comparison = read_comparison(*scenarios, on_progress=progress)
        page, workbook = write_comparison(comparison, current_settings().report_directory)
        _show(comparison, page, workbook)
        return 0

    return run_command(work, ComparisonRefusedError, UnexplainedDifferenceError)


def _show(comparison: "Comparison", page: Path, workbook: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    from simulation.compare.page import lead
    from simulation.compare.parts import DRIVERS
    from simulation.report.units import change

    pair = comparison.pair
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TABLE_WIDTH)
    for sentence in pair.warnings:
        console.print(sentence, style="bold", markup=False, soft_wrap=True)
    console.print(lead(comparison), markup=False, soft_wrap=True)
    table = Table(title=f"Payroll of {pair.other.scenario_id} less {pair.base.scenario_id}, USD")
    for heading in ("Year", "Headcount", *map(str.capitalize, DRIVERS), "Payroll"):
        table.add_column(heading, justify="right", no_wrap=True)
    for year in comparison.years:
        table.add_row(
            pair.names.name(year.year),
            change(year.headcount),
            *(change(float(amount)) for amount in year.pay.values()),
            change(float(year.payroll)),
        )
    console.print(table)
    console.print(f"Page:     {page}", markup=False, soft_wrap=True)
    console.print(f"Workbook: {workbook}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
