"""``python -m simulation.ranges SCENARIO...``: P10, P50 and P90 over many seeds."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from simulation.ranges.ensemble import ScenarioRanges

_SEEDS = 100
_TABLE_WIDTH = 100  # in characters; a file has no width of its own


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the bands of everybody and write a page; the exit status is 2 on a refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.ranges",
        description=(
            "Simulate scenarios with many seeds, with settings drawn as far as they are uncertain, "
            "from the stored workforce of the first. Writes a page beside the reports; stored "
            "scenarios are only read."
        ),
    )
    parser.add_argument(
        "scenarios", nargs="+", metavar="SCENARIO", help="the first is stored; one or several"
    )
    parser.add_argument(
        "--seeds", type=int, default=_SEEDS, help=f"runs of each scenario ({_SEEDS})"
    )
    parser.add_argument(
        "--growth",
        choices=("target", "outcome"),
        default="target",
        help="growth as configured, or the outcome of the planned hires and the drawn leaving",
    )
    parser.add_argument("--json", action="store_true", help="print all bands as JSON instead")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.configuration.environment import current_settings
    from simulation.command_line import run_command
    from simulation.ranges.ensemble import RangesRefusedError, compute_ranges
    from simulation.ranges.page import write_ranges
    from simulation.scratch.models import ScratchFailedError
    from simulation.state.runs import YearRefusedError

    def work(progress: Callable[[str], None]) -> int:
        ranges = compute_ranges(
            [name for given in asked.scenarios for name in given.split()],
            seeds=asked.seeds,
            growth=asked.growth,
            on_progress=progress,
        )
        page = write_ranges(ranges, current_settings().report_directory)
        if asked.json:
            print(json.dumps([each.as_document() for each in ranges], indent=2))
        else:
            _show(ranges, page)
        return 0

    return run_command(work, RangesRefusedError, ScratchFailedError, YearRefusedError)


def _show(ranges: "Sequence[ScenarioRanges]", page: Path) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TABLE_WIDTH)
    for of_scenario in ranges:
        _show_scenario(console, of_scenario)
    console.print(f"Page: {page}", markup=False, soft_wrap=True)


def _show_scenario(console: "Console", ranges: "ScenarioRanges") -> None:
    from rich.table import Table

    from simulation.ranges.bands import MEASURES
    from simulation.ranges.ensemble import what_stays, what_varies
    from simulation.report.units import count

    table = Table(title=f"{ranges.scenario_id}, {len(ranges.seeds)} seeds")
    table.add_column("Year", no_wrap=True)
    table.add_column("Measure", no_wrap=True)
    for heading in ("P10", "P50", "P90"):
        table.add_column(heading, justify="right", no_wrap=True)
    for year in ranges.years:
        for measure in MEASURES:
            band = ranges.band(year, measure)
            is_last = measure == MEASURES[-1]
            table.add_row(
                ranges.settings.simulation.names.name(year) if measure == MEASURES[0] else "",
                measure.replace("_", " "),
                *(count(value) for value in (band.p10, band.p50, band.p90)),
                end_section=is_last,
            )
    console.print(table)
    for sentence in (
        what_varies(ranges.settings, ranges.growth),
        what_stays(ranges.settings, ranges.growth),
    ):
        console.print(sentence, markup=False)


if __name__ == "__main__":
    sys.exit(main())
