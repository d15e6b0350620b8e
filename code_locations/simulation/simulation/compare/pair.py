"""Whether two stored scenarios can be compared, and what the reader must know of them."""

import json
from dataclasses import dataclass
from typing import Any

import duckdb

from simulation.state.removal import shown_settings
from simulation.stored.scenarios import StoredScenario, command_for, find_stored, read_stored
from simulation.year_names import YearNames


class ComparisonRefusedError(ValueError):
    """The scenarios cannot be compared; the message says why, and what to run."""


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two stored scenarios that can be compared.

    Attributes:
        base: what the other is compared with.
        other: the other.
        years: the years that both have, from the first year of each.
        warnings: what the reader must know, one sentence each.
    """

    base: StoredScenario
    other: StoredScenario
    years: range
    warnings: tuple[str, ...]

    @property
    def names(self) -> YearNames:
        """Return how the years are named, of both alike."""
        return self.base.names

    @property
    def span(self) -> str:
        """Return the years in words."""
        return self.names.span(self.years[0], self.years[-1])

    def changed_settings(self) -> list[tuple[str, str, str]]:
        """Return the dotted names of the settings that differ, each with the two values."""
        base, other = (shown_settings(each.settings) for each in (self.base, self.other))
        return [
            (name, before, after)
            for name in sorted(base.keys() | other.keys())
            if (before := _in_words(base.get(name))) != (after := _in_words(other.get(name)))
        ]


def paired(connection: duckdb.DuckDBPyConnection, base_id: str, other_id: str) -> Pair:
    """Return two stored scenarios that began with the same people on the same day.

    Another seed, other rules or other years do not prevent a comparison; warnings name them.

    Raises:
        ComparisonRefusedError: one is not stored, both are the same, or they began with other
            people or on another day.
    """
    if base_id == other_id:
        message = f"{base_id} is compared with itself: name two scenarios"
        raise ComparisonRefusedError(message)
    stored = read_stored(connection)
    known = stored.get(base_id) or stored.get(other_id)
    base = find_stored(stored, base_id, like=known)
    other = find_stored(stored, other_id, like=base)
    _refuse_other_beginnings(base, other)
    years = range(base.years[0], min(base.years[-1], other.years[-1]) + 1)
    return Pair(base=base, other=other, years=years, warnings=tuple(_warnings(base, other, years)))


def _refuse_other_beginnings(base: StoredScenario, other: StoredScenario) -> None:
    command = command_for(other.scenario_id, like=base)
    beginnings = [
        f"{each.scenario_id} on {each.names.first_day_of(each.years[0])}" for each in (base, other)
    ]
    if base.years[0] != other.years[0] or base.names != other.names:
        message = (
            f"the scenarios begin on different days, {' and '.join(beginnings)}: "
            f"compare scenarios with the same first day, e.g. after: {command} REPLACE=1"
        )
        raise ComparisonRefusedError(message)
    if base.census_digest != other.census_digest:
        people = [
            f"{each.scenario_id} with {each.census_size} of {each.census_name}"
            for each in (base, other)
        ]
        message = (
            f"the scenarios begin with different people, {' and '.join(people)}: "
            f"compute both from one census, e.g. with: {command} REPLACE=1"
        )
        raise ComparisonRefusedError(message)


def _warnings(base: StoredScenario, other: StoredScenario, years: range) -> list[str]:
    found = []
    if base.seed != other.seed:
        found.append(
            f"The luck is not the same: {base.scenario_id} was drawn with the seed {base.seed}, "
            f"{other.scenario_id} with {other.seed}. A part of each difference is chance, and "
            "hires of the same number are different people."
        )
    if base.rules_digest != other.rules_digest:
        found.append(
            "The scenarios were computed with different rules, that is SQL or seeds: run both "
            "again to see the effect of their settings alone."
        )
    found += [
        f"{each.scenario_id} also has {each.names.range(years[-1] + 1, each.years[-1])}, which "
        "the other does not have; these years are left out."
        for each in (base, other)
        if each.years[-1] > years[-1]
    ]
    return found


def _in_words(value: Any) -> str:
    if value is None or value in ([], {}):
        return "not set"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
