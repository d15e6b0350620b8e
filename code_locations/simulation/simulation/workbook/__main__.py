"""``python -m simulation.workbook``: a stored scenario as a workbook."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the workbook and print its path; the exit status is 2 on a refusal."""
    from simulation.run.arguments import parse_years

    parser = argparse.ArgumentParser(
        prog="python -m simulation.workbook",
        description=(
            "Write a scenario of the warehouse as a workbook: summary, years, departments, levels, "
            "events, assumptions, census and quality. Totals are formulas."
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="a stored scenario")
    parser.add_argument(
        "--against", metavar="SCENARIO", help="another one, to compare it with in further sheets"
    )
    parser.add_argument(
        "--years", type=parse_years, metavar="2025-2029", help="by default all stored ones"
    )
    parser.add_argument("--people", action="store_true", help="list every employee of every year")
    parser.add_argument(
        "--as-of", metavar="RUN",
        help="the id of a run, or its beginning: write what that run left; needs the lake",
    )  # fmt: skip
    parser.add_argument("--output", type=Path, help="the file; by default beside the reports")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.warehouse import NoSuchStateError
    from simulation.command_line import run_command
    from simulation.compare.attribution import UnexplainedDifferenceError
    from simulation.compare.pair import ComparisonRefusedError
    from simulation.spreadsheet import SheetFullError
    from simulation.stored.scenarios import reading_stored
    from simulation.workbook.contents import YearsMissingError
    from simulation.workbook.writing import write_stored

    def work(progress: Callable[[str], None]) -> int:
        with reading_stored(asked.scenario, on_wait=progress, as_of=asked.as_of) as connection:
            progress(f"writing {asked.scenario}")
            path = write_stored(
                connection,
                asked.scenario,
                against=asked.against,
                years=asked.years,
                has_people=asked.people,
                as_of=asked.as_of,
                output=asked.output,
            )
        print(f"Workbook: {path}")
        return 0

    return run_command(
        work,
        ComparisonRefusedError,
        NoSuchStateError,
        SheetFullError,
        UnexplainedDifferenceError,
        YearsMissingError,
    )


if __name__ == "__main__":
    sys.exit(main())
