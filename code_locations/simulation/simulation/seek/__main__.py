"""``python -m simulation.seek TARGET LEVER``: the value of a lever that meets a target."""

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulation.seek.search import Outcome, Try
    from simulation.seek.target import Target


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
    parser.add_argument("target", metavar="TARGET", help='such as "payroll 2027 <= 1.2e9"')
    parser.add_argument(
        "lever",
        metavar="LEVER",
        help=(
            "a setting, such as merit_budget, or several in their order, with bounds: "
            '"merit_budget=0.01..0.06 cola_rate"'
        ),
    )
    parser.add_argument("--scenario", default="baseline", help="the stored scenario to start from")
    asked = parser.parse_args(arguments)
    # imported here so that --help and usage errors respond at once
    from rich.console import Console

    from shared_lib.configuration.environment import UnknownEnvironmentError, current_settings
    from shared_lib.configuration.validated_yaml import ConfigurationError
    from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError, read_warehouse
    from simulation.compare.stored import (
        ComparisonRefusedError,
        command_for,
        find_stored,
        read_stored,
    )
    from simulation.seek.levers import parse_levers
    from simulation.seek.scratch import ScratchFailedError, scratch
    from simulation.seek.search import seek
    from simulation.seek.target import SeekRefusedError, parse_target, shown
    from simulation.state.runs import YearRefusedError

    errors = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        levers = parse_levers(asked.lever)
        warehouse = current_settings().warehouse_path("simulation")
        with read_warehouse(warehouse, on_wait=errors.print) as connection:
            stored = read_stored(connection)
            scenario = find_stored(stored, asked.scenario, like=next(iter(stored.values()), None))
            target = parse_target(asked.target, scenario.years)
            settings = scenario.as_settings()
            errors.print(f"building the models in a scratch warehouse, up to {target.year}")
            with scratch(connection, asked.scenario, settings, target.year) as runs:
                before = target.read(connection, asked.scenario)
                now = runs.measure(settings, target)
                errors.print(f"{asked.scenario} as it is: {target.measure} {shown(now)}")
                if before != now:
                    errors.print(
                        f"Stored is {shown(before or 0)}: the rules have changed since then.",
                        style="bold",
                    )
                outcome = seek(
                    lambda moved: runs.measure(moved, target),
                    settings,
                    target,
                    levers,
                    on_try=lambda tried: errors.print(_progress(tried, target), markup=False),
                )
    except WarehouseMissingError as error:
        command = command_for(asked.scenario, like=None)
        errors.print(f"{error}: compute the scenario with {command}", style="bold red")
        return 2
    except (
        ComparisonRefusedError,
        ConfigurationError,
        ScratchFailedError,
        SeekRefusedError,
        UnknownEnvironmentError,
        WarehouseBusyError,
        YearRefusedError,
    ) as error:
        errors.print(str(error), style="bold red", markup=False)
        return 2
    except KeyboardInterrupt:
        errors.print("interrupted; nothing of the warehouse was changed")
        return 130
    _show(outcome, target, asked.scenario)
    return 0 if outcome.is_met else 1


def _progress(tried: "Try", target: "Target") -> str:
    from simulation.seek.target import shown

    met = "met" if tried.is_met else f"missed by {shown(target.missed_by(tried.measure))}"
    return f"{tried.lever.field} {tried.value:g}: {target.measure} {shown(tried.measure)}, {met}"


def _show(outcome: "Outcome", target: "Target", scenario: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from simulation.seek.target import shown

    console = Console(highlight=False, soft_wrap=True)
    if not outcome.values:
        console.print(f"{target} is met by {scenario} as it is, with {shown(outcome.measure)}.")
        return
    table = Table(title=f"{target}, from {scenario}")
    for heading in ("Run", "Lever", "Value", f"{target.measure} {target.year}", "Target"):
        table.add_column(heading, justify="left" if heading == "Lever" else "right", no_wrap=True)
    for number, tried in enumerate(outcome.tries, start=1):
        missed = target.missed_by(tried.measure)
        table.add_row(
            str(number),
            tried.lever.field,
            f"{tried.value:g}",
            shown(tried.measure),
            "met" if tried.is_met else f"missed by {shown(missed)}",
        )
    console.print(table)
    moved = " and ".join(f"{lever.name} {value:g}" for lever, value in outcome.values)
    if not outcome.is_met:
        bounds = " and ".join(
            f"{lever.name} between {lever.low:g} and {lever.high:g}" for lever, _ in outcome.values
        )
        console.print(
            f"{target} is not reached with {bounds}. The nearest is {shown(outcome.measure)}, with "
            f"{moved}: it misses by {shown(target.missed_by(outcome.measure))}.",
            markup=False,
        )
        return
    console.print(f"{target} is met with {moved}: {shown(outcome.measure)}.", markup=False)
    console.print("\nAs settings of a scenario:", markup=False)
    sections: dict[str, list[str]] = {}
    for lever, value in outcome.values:
        sections.setdefault(lever.section, []).append(f"  {lever.field}: {value:g}")
    for section, fields in sections.items():
        console.print("\n".join([f"{section}:", *fields]), markup=False)


if __name__ == "__main__":
    sys.exit(main())
