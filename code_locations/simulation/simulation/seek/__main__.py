"""``python -m simulation.seek TARGET LEVER``: the value of a lever that meets a target."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.seek.solving import Solution


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the path and the solution.

    The exit status is 0 if the target is met, 1 if it cannot be reached, and 2 on a refusal.
    """
    parser = argparse.ArgumentParser(
        prog="python -m simulation.seek",
        description=(
            "Solve for a setting of a stored scenario, by simulation runs in scratch warehouses. "
            "Stored scenarios are only read."
        ),
    )
    parser.add_argument(
        "target",
        metavar="TARGET",
        help='such as "payroll 2027 <= 1.2e9" or "headcount of Sales 2027 >= 120"',
    )
    parser.add_argument(
        "lever",
        metavar="LEVER",
        help=(
            "a setting, such as merit_budget, or several in their order, with bounds: "
            '"merit_budget=0.01..0.06 cola_rate", or of a department or job family: '
            "growth_by_department.Sales, merit_by_job_family.Nurses"
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="the stored scenario to start from")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from simulation.command_line import run_command
    from simulation.scratch.models import ScratchFailedError
    from simulation.seek.solving import solve
    from simulation.seek.target import SeekRefusedError
    from simulation.state.runs import YearRefusedError

    def work(progress: Callable[[str], None]) -> int:
        solution = solve(
            asked.scenario,
            target_text=asked.target,
            lever_text=asked.lever,
            on_progress=progress,
        )
        _show(solution)
        return 0 if solution.outcome.is_met else 1

    return run_command(work, ScratchFailedError, SeekRefusedError, YearRefusedError)


def _show(solution: "Solution") -> None:
    from rich.console import Console
    from rich.table import Table

    from simulation.seek.solving import verdict
    from simulation.seek.target import shown

    console = Console(highlight=False, soft_wrap=True)
    outcome, target = solution.outcome, solution.target
    if outcome.tries:
        table = Table(title=f"{target}, from {solution.scenario_id}")
        # the name of a department may be long: it wraps before a number does
        table.add_column("Run", justify="right", no_wrap=True)
        table.add_column("Lever", overflow="fold")
        table.add_column("Value", justify="right", no_wrap=True)
        table.add_column(f"{target.subject} {target.year}", justify="right", min_width=18)
        table.add_column("Target", justify="right", no_wrap=True)
        for number, tried in enumerate(outcome.tries, start=1):
            table.add_row(
                str(number),
                tried.lever.label,
                f"{tried.value:g}",
                shown(tried.measure),
                verdict(tried, target),
            )
        console.print(table)
    console.print(str(solution), markup=False)
    if outcome.is_met and outcome.values:
        console.print("\nAs settings of a scenario:", markup=False)
        sections: dict[str, dict[str, str]] = {}
        for lever, value in outcome.values:
            is_one = lever.unit is None
            # with the other units, which a scenario that names one leaves out; JSON is YAML
            text = f"{value:g}" if is_one else json.dumps(lever.set_in(outcome.settings))
            sections.setdefault(lever.section, {})[lever.field] = text
        for section, fields in sections.items():
            lines = [f"  {field}: {text}" for field, text in fields.items()]
            console.print("\n".join([f"{section}:", *lines]), markup=False)


if __name__ == "__main__":
    sys.exit(main())
