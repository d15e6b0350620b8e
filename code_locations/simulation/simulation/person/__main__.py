"""``python -m simulation.person ID``: one employee's years, and why the model did it."""

import argparse
import sys
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

_WIDTH = 110


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the years; the exit status is 2 on a refusal."""
    parser = argparse.ArgumentParser(
        prog="python -m simulation.person",
        description=(
            "Show the years of an employee in a stored scenario: what happened, and the hazard, "
            "draw and rule of each decision."
        ),
    )
    parser.add_argument(
        "employee", metavar="ID", help="an employee of the census, or NH-2026-000012"
    )
    parser.add_argument("--scenario", default="baseline", help="a stored scenario")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from rich.console import Console

    from shared_lib.configuration.environment import UnknownEnvironmentError
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError, read_location
    from simulation.person.timeline import PersonUnknownError, timeline
    from simulation.state.runs import current_rules
    from simulation.stored.scenarios import (
        ComparisonRefusedError,
        command_for,
        find_stored,
        read_stored,
    )

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)
    try:
        with read_location("simulation", on_wait=errors.print) as connection:
            stored = read_stored(connection)
            scenario = find_stored(stored, asked.scenario, like=next(iter(stored.values()), None))
            if scenario.rules_digest != current_rules():
                errors.print(
                    "The rules have changed since the scenario was computed: hazards and draws "
                    "below are those of today.",
                    style="bold",
                )
            console.print(
                f"Employee {asked.employee} in {scenario.scenario_id}, seed {scenario.seed}",
                markup=False,
            )
            for year in timeline(connection, scenario, asked.employee, on_progress=errors.print):
                _show(console, f"\n{year.name}  ", year.summary)
                for subject, reason in year.reasons:
                    _show(console, f"  {subject:<10} ", reason)
                if not year.is_confirmed:
                    console.print("  Today's rules come to another outcome.", style="bold red")
    except WarehouseMissingError as error:
        command = command_for(asked.scenario, like=None)
        errors.print(f"{error}: compute the scenario with {command}", style="bold red")
        return 2
    except (
        ComparisonRefusedError,
        ConfigurationError,
        PersonUnknownError,
        UnknownEnvironmentError,
        WarehouseBusyError,
    ) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    return 0


def _show(console: "Console", beginning: str, text: str) -> None:
    """Print a text whose further lines begin below the first."""
    width = len(beginning.lstrip("\n"))
    lines = textwrap.wrap(text, console.width - width)
    console.print(beginning + f"\n{' ' * width}".join(lines), markup=False)


if __name__ == "__main__":
    sys.exit(main())
