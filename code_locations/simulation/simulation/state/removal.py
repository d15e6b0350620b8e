"""Which stored years a run removes, and why: shown and confirmed before anything is removed.

A year stays while its fingerprint is that of the run and its rows are those that were recorded.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import duckdb

from simulation.config.parameters import NOT_OF_ROWS
from simulation.config.settings import ScenarioSettings
from simulation.state.identity import census_digest, current_rules, identity_of
from simulation.state.runs import YearRefusedError, refuse_impossible, requested_scenario
from simulation.state.stored_years import completed_years
from simulation.state.tables import THIS_REQUEST
from simulation.state.year_state import first_altered_year

# Settings of this many are named; of the others only the number is.
_NAMED_CHANGES = 3


@dataclass(frozen=True, kw_only=True)
class Removal:
    """Stored years of a scenario that a run removes, each with its reason; none is false."""

    scenario_id: str
    reasons: Mapping[int, str]

    def __bool__(self) -> bool:
        """Whether a year is removed."""
        return bool(self.reasons)

    def __str__(self) -> str:
        """Return the years by reason, on one line."""
        by_reason: dict[str, list[int]] = {}
        for year, reason in sorted(self.reasons.items()):
            by_reason.setdefault(reason, []).append(year)
        return "; ".join(
            f"{_in_words(years)} of scenario {self.scenario_id}, because {reason}"
            for reason, years in by_reason.items()
        )


def confirmed_removal(connection: duckdb.DuckDBPyConnection, *, first_year: int) -> Removal:
    """Return what the requested run, from ``first_year``, removes.

    Raises:
        YearRefusedError: it removes years and the request does not say ``replace``, or nothing
            precedes the first year.
    """
    scenario_id, settings, _ = requested_scenario(connection)
    census = census_digest(connection, scenario_id)
    refuse_impossible(
        scenario_id=scenario_id,
        identity=identity_of(scenario_id=scenario_id, settings=settings, census_digest=census),
        start_year=settings.simulation.start_year,
        first_year=first_year,
        complete=completed_years(connection, scenario_id),
    )
    removal = removal_by(connection, scenario_id=scenario_id, settings=settings, census=census)
    (may_replace,) = connection.execute(
        f"select is_replacing from {THIS_REQUEST}"  # noqa: S608 - our own
    ).fetchone() or (False,)
    if removal and not may_replace:
        message = (
            f"this run would remove {removal}; nothing has been removed: "
            "run it with `replace: true` to remove them"
        )
        raise YearRefusedError(message)
    return removal


def removal_by(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    settings: ScenarioSettings,
    census: str,
) -> Removal:
    """Return what a run of a scenario from these settings and census removes.

    Args:
        connection: the warehouse.
        scenario_id: the scenario.
        settings: of the scenario.
        census: the digest of the accepted employees; see
            :func:`simulation.state.identity.census_digest`.
    """
    identity = identity_of(scenario_id=scenario_id, settings=settings, census_digest=census)
    stored = completed_years(connection, scenario_id)
    why = {
        owner: _difference(stored_inputs(connection, owner), settings, census)
        for owner in set(stored.values()) - {identity}
    }
    reasons = {year: why[owner] for year, owner in stored.items() if owner != identity}
    altered = first_altered_year(connection, scenario_id=scenario_id, fingerprint=identity)
    if altered is not None:
        reason = f"the rows of {altered} are no longer those that were recorded"
        reasons |= {
            year: reason for year, owner in stored.items() if owner == identity and year >= altered
        }
    return Removal(scenario_id=scenario_id, reasons=reasons)


def stored_inputs(connection: duckdb.DuckDBPyConnection, fingerprint: str) -> dict[str, Any]:
    """Return what was recorded of a fingerprint's inputs; releases before recorded less."""
    found = connection.execute(
        "select * from raw.simulation_configurations where fingerprint = ?", [fingerprint]
    )
    names = [column[0] for column in found.description or ()]
    row = found.fetchone()
    return dict(zip(names, row, strict=True)) if row else {}


def relevant_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that rows depend on, by dotted name; the census counts by its content."""
    return {
        name: value
        for name, value in _flat(settings)
        if name != "simulation.end_year" and name.partition(".")[0] not in NOT_OF_ROWS
    }


def shown_settings(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that rows or their cost depend on, by dotted name."""
    of_cost = {
        name: value
        for name, value in _flat(settings)
        if name.partition(".")[0] in {"cost", "retirement_plan"}
    }
    return {**relevant_settings(settings), **of_cost}


def _flat(settings: Mapping[str, Any], prefix: str = "") -> Iterable[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield prefix + key, value


def _difference(stored: Mapping[str, Any], settings: ScenarioSettings, census: str) -> str:
    """Return in words why the stored inputs have another fingerprint than those of today."""
    if not stored:
        return "they came from another configuration, census or set of rules"
    before = relevant_settings(json.loads(stored["configuration"]))
    now = relevant_settings(settings.model_dump(mode="json"))
    changes = [
        f"{name} differs"
        if name.startswith("tables.")
        else f"{name} was {before.get(name, 'not set')} and is {now.get(name, 'not set')}"
        for name in sorted(before.keys() | now.keys())
        if (before.get(name) or None) != (now.get(name) or None)
    ]
    if len(changes) > _NAMED_CHANGES:
        changes[_NAMED_CHANGES:] = [f"{len(changes) - _NAMED_CHANGES} more settings differ"]
    was = stored.get("census_digest")
    if was is not None and was != census:
        counts = [int(digest.partition("-")[0]) for digest in (was, census)]
        changes.append("the census had {:,} employees, and this one has {:,}".format(*counts))
    rules = stored.get("rules_digest")
    if rules is not None and rules != current_rules():
        changes.append("the rules, that is SQL or seeds, have changed")
    return " and ".join(changes) or "the census or the rules have changed"


def _in_words(years: Iterable[int]) -> str:
    """Return ``2025 to 2027 and 2029``."""
    runs = []
    for _, group in groupby(enumerate(sorted(years)), lambda pair: pair[1] - pair[0]):
        together = [year for _, year in group]
        span = f"{together[0]} to {together[-1]}" if len(together) > 1 else f"{together[0]}"
        runs.append(span)
    return " and ".join(runs)
