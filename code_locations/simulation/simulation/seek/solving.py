"""Solves for levers of a stored scenario, which is only read."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from simulation.config.settings import ScenarioSettings
from simulation.scratch.models import ScratchFailedError
from simulation.scratch.warehouse import (
    Scratch,
    build_scratch,
    copy_workforce,
    scratch_folder,
    units_in,
)
from simulation.seek.levers import parse_levers
from simulation.seek.search import Outcome, Try, seek
from simulation.seek.target import SeekRefusedError, Target, parse_target, shown
from simulation.state.job_families import unknown_department, unknown_job_family
from simulation.stored.scenarios import find_stored, read_stored, reading_stored


@dataclass(frozen=True, kw_only=True)
class Solution:
    """A target and how the search for it ended."""

    scenario_id: str
    target: Target
    outcome: Outcome

    def __str__(self) -> str:
        """Return the end of the search in words."""
        outcome, target = self.outcome, self.target
        if not outcome.values:
            return f"{target} is met by {self.scenario_id} as it is, with {shown(outcome.measure)}."
        moved = " and ".join(f"{lever.name} {value:g}" for lever, value in outcome.values)
        if outcome.is_met:
            return f"{target} is met with {moved}: {shown(outcome.measure)}."
        bounds = " and ".join(
            f"{lever.name} between {lever.low:g} and {lever.high:g}" for lever, _ in outcome.values
        )
        return (
            f"{target} is not reached with {bounds}. The nearest is {shown(outcome.measure)}, with "
            f"{moved}: it misses by {shown(target.missed_by(outcome.measure))}."
        )


def solve(
    scenario_id: str,
    *,
    target_text: str,
    lever_text: str,
    on_progress: Callable[[str], None],
) -> Solution:
    """Move levers of a stored scenario until a target is met, one after the other.

    The warehouse is released before the first run.

    Args:
        scenario_id: the stored scenario to start from.
        target_text: see :func:`simulation.seek.target.parse_target`.
        lever_text: see :func:`simulation.seek.levers.parse_levers`.
        on_progress: called with a line for each run.

    Raises:
        SeekRefusedError: the target or a lever is not one.
        NotStoredError: the scenario is not stored.
        ScratchFailedError: the models cannot be built.
        WarehouseBusyError: a run holds the warehouse for longer than a minute.
    """
    levers = parse_levers(lever_text)
    with scratch_folder() as folder:
        with reading_stored(scenario_id, on_wait=on_progress) as connection:
            scenario = find_stored(read_stored(connection), scenario_id)
            target = parse_target(target_text, scenario.years)
            workforce = copy_workforce(connection, scenario_id, folder)
            before = target.read(connection, scenario_id)
        named = {f"lever {each.label}": each.unit for each in levers if each.unit}
        families = {f"lever {each.label}" for each in levers if each.is_of_job_family}
        if target.department:
            named[f"target {target}"] = target.department
        refuse_unknown_units(named, workforce, families=families)
        settings = scenario.as_settings()
        on_progress(f"preparing the models up to {target.year}")
        runs = build_scratch(scenario_id, workforce, settings, target.year)
        now = measure(runs, settings, target)
        on_progress(f"{scenario_id} as it is: {target.subject} {shown(now)}")
        if before is not None and before != now:
            on_progress(f"stored is {shown(before)}: the rules have changed since then")
        outcome = seek(
            lambda moved: measure(runs, moved, target),
            settings,
            target,
            levers,
            present=now,
            on_try=lambda tried: on_progress(in_words(tried, target)),
        )
    return Solution(scenario_id=scenario_id, target=target, outcome=outcome)


def refuse_unknown_units(
    named: Mapping[str, str], workforce: Path, *, families: Collection[str] = ()
) -> None:
    """Refuse a department or job family that nobody of the workforce is in.

    Args:
        named: the departments and job families, by where they are named.
        workforce: see :func:`simulation.scratch.warehouse.copy_workforce`.
        families: the places that name a job family; the others name a department.

    Raises:
        SeekRefusedError: there is no such unit; the message has those that there are.
    """
    for place, unit in named.items():
        known = units_in(workforce, "job_family" if place in families else "department")
        if unit not in known:
            problem = unknown_job_family if place in families else unknown_department
            message = f"{place}: {problem(unit, known)}"
            raise SeekRefusedError(message)


def measure(runs: Scratch, settings: ScenarioSettings, target: Target) -> float:
    """Simulate the years up to that of the target and return its measure.

    Raises:
        ScratchFailedError: the run has no such year.
    """
    with runs.simulated(settings, target.year) as connection:
        found = target.read(connection, runs.scenario_id)
    if found is None:
        message = f"the scratch run has no {target.subject} {target.year}"
        raise ScratchFailedError(message)
    return found


def in_words(tried: Try, target: Target) -> str:
    """Return a run on one line."""
    return (
        f"{tried.lever.label} {tried.value:g}: {target.subject} {shown(tried.measure)}, "
        f"{verdict(tried, target)}"
    )


def verdict(tried: Try, target: Target) -> str:
    """Return whether a run meets the target, or by how much it misses."""
    return "met" if tried.is_met else f"missed by {shown(target.missed_by(tried.measure))}"
