"""``python -m simulation.cost``: what a stored scenario costs by the rates of today's file."""

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.report.cost.figures import Cost
    from simulation.year_names import YearNames

_WAIT_SECONDS = 60
_TABLE_WIDTH = 124


def main(arguments: Sequence[str] | None = None) -> int:
    """Take the rates over, print the cost of each year and write the report; 2 on a refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.cost",
        description=(
            "Compute total cost and the retirement plan of a stored scenario by the sections "
            "cost and retirement_plan of simulation_config.yaml. No year is simulated again."
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="a stored scenario")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from shared_lib.configuration.environment import current_settings
    from shared_lib.warehouse import write_location
    from simulation.command_line import run_command
    from simulation.cost.writing import write_cost
    from simulation.stored.scenarios import reading_stored

    def work(progress: Callable[[str], None]) -> int:
        # refuses a scenario that is not stored before a warehouse is made
        with reading_stored(asked.scenario, on_wait=progress):
            pass
        with write_location(
            "simulation", wait_seconds=_WAIT_SECONDS, on_wait=progress
        ) as connection:
            written = write_cost(connection, asked.scenario, current_settings().report_directory)
        _show(asked.scenario, written.costs, written.stored.names)
        print(f"Report: {written.report}")
        return 0

    return run_command(work)


def _show(scenario_id: str, costs: "list[Cost]", names: "YearNames") -> None:
    from rich.console import Console
    from rich.table import Table

    from simulation.report.cost.figures import COMPONENTS
    from simulation.report.units import count

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TABLE_WIDTH)
    if not costs:
        print(f"{scenario_id} has no section `cost`: simulation_config.yaml has one as a comment")
        return
    table = Table(title=f"Total cost of {scenario_id}, USD")
    for heading in ("Year", *COMPONENTS.values(), "Total cost"):
        table.add_column(heading, justify="right")
    for cost in costs:
        table.add_row(
            names.name(cost.year),
            *(count(getattr(cost, component)) for component in COMPONENTS),
            count(cost.total_cost),
        )
    console.print(table)


if __name__ == "__main__":
    sys.exit(main())
