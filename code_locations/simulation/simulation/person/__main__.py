"""``python -m simulation.person ID``: one employee's years, and why the model did it."""

import argparse
import sys
import textwrap
from collections.abc import Callable, Sequence
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

    from simulation.command_line import run_command
    from simulation.person.timeline import PersonUnknownError, timeline
    from simulation.state.identity import current_rules
    from simulation.stored.scenarios import (
        NotStoredError,
        find_stored,
        ledger_has,
        read_stored,
        reading_stored,
    )

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_WIDTH)

    def work(progress: Callable[[str], None]) -> int:
        with reading_stored(asked.scenario, on_wait=progress) as connection:
            scenario = find_stored(read_stored(connection), asked.scenario)
            if not ledger_has(connection, "absence_from"):
                message = "the warehouse is of another release, and the next run migrates it"
                raise NotStoredError(message)
            if scenario.rules_digest != current_rules():
                progress(
                    "The rules have changed since the scenario was computed: hazards and draws "
                    "below are those of today."
                )
            console.print(
                f"Employee {asked.employee} in {scenario.scenario_id}, seed {scenario.seed}",
                markup=False,
            )
            for year in timeline(connection, scenario, asked.employee, on_progress=progress):
                _show(console, f"\n{year.name}  ", year.summary)
                for subject, reason in year.reasons:
                    _show(console, f"  {subject:<10} ", reason)
                if not year.is_confirmed:
                    console.print("  Today's rules come to another outcome.", style="bold red")
        return 0

    return run_command(work, PersonUnknownError)


def _show(console: "Console", beginning: str, text: str) -> None:
    """Print a text whose further lines begin below the first."""
    width = len(beginning.lstrip("\n"))
    lines = textwrap.wrap(text, console.width - width)
    console.print(beginning + f"\n{' ' * width}".join(lines), markup=False)


if __name__ == "__main__":
    sys.exit(main())
