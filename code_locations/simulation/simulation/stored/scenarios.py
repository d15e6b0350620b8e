"""The scenarios that the warehouse holds, and whether two of them can be compared."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb
from pydantic import ValidationError

from simulation.config.partitions import scenario_names, years_of_scenario
from simulation.config.settings import ScenarioSettings
from simulation.state.removal import relevant_settings
from simulation.year_names import CALENDAR_YEAR, YearNames


class ComparisonRefusedError(ValueError):
    """The scenarios cannot be compared; the message says why, and what to run."""


@dataclass(frozen=True, kw_only=True)
class StoredScenario:
    """A scenario whose years are complete in the warehouse.

    Attributes:
        scenario_id: its name.
        fingerprint: of what its rows depend on.
        years: the complete years, in order and without a gap.
        settings: the settings of its last run, nested as in the configuration file.
        census_digest: of the employees that it began with.
        census_name: the name of their file.
        rules_digest: of the SQL and seeds that computed it.
    """

    scenario_id: str
    fingerprint: str
    years: range
    settings: Mapping[str, Any]
    census_digest: str
    census_name: str
    rules_digest: str

    @property
    def seed(self) -> int:
        """Return the seed of its draws."""
        return self.settings["simulation"]["random_seed"]

    @property
    def census_size(self) -> str:
        """Return in words how many it began with; the digest begins with their number."""
        number = self.census_digest.partition("-")[0]
        return f"the {int(number):,} employees" if number else "an unknown number of employees"

    def as_settings(self) -> ScenarioSettings:
        """Return its settings, validated.

        Raises:
            ComparisonRefusedError: another release stored them.
        """
        try:
            return ScenarioSettings.model_validate_json(json.dumps(self.settings))
        except ValidationError as error:
            message = (
                f"the settings of {self.scenario_id} are of another release, "
                f"{error.errors()[0]['msg']}: compute it again with "
                f"{command_for(self.scenario_id, like=self)} REPLACE=1"
            )
            raise ComparisonRefusedError(message) from None

    @property
    def names(self) -> YearNames:
        """Return how its years are named."""
        return YearNames(self.settings["simulation"].get("first_day", CALENDAR_YEAR))


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
        base, other = (relevant_settings(each.settings) for each in (self.base, self.other))
        return [
            (name, before, after)
            for name in sorted(base.keys() | other.keys())
            if (before := _in_words(base.get(name))) != (after := _in_words(other.get(name)))
        ]


_STORED = """
select
    state.scenario_id,
    state.fingerprint,
    list(state.simulation_year order by state.simulation_year) as years,
    any_value(inputs.configuration) as configuration,
    any_value(inputs.census_digest) as census_digest,
    any_value(inputs.rules_digest) as rules_digest,
    any_value(census.census_name) as census_name
from raw.simulation_year_state as state
inner join raw.simulation_configurations as inputs
    on state.fingerprint = inputs.fingerprint
left join raw.census_data_validation as census
    on state.scenario_id = census.scenario_id
group by state.scenario_id, state.fingerprint
order by state.scenario_id
"""


def read_stored(connection: duckdb.DuckDBPyConnection) -> dict[str, StoredScenario]:
    """Return the scenarios with complete years, by name."""
    (tables,) = connection.execute(
        "select count(*) from duckdb_tables() "
        "where schema_name = 'raw' and table_name = 'simulation_year_state'"
    ).fetchone() or (0,)
    if not tables:
        return {}
    return {
        scenario_id: StoredScenario(
            scenario_id=scenario_id,
            fingerprint=fingerprint,
            years=_unbroken(years),
            settings=json.loads(configuration),
            census_digest=census_digest or "",
            census_name=census_name or "",
            rules_digest=rules_digest or "",
        )
        for (
            scenario_id,
            fingerprint,
            years,
            configuration,
            census_digest,
            rules_digest,
            census_name,
        ) in connection.execute(_STORED).fetchall()
    }


def _unbroken(years: Sequence[int]) -> range:
    """Return the years from the first to the one before a gap."""
    last = years[0]
    while last + 1 in years:
        last += 1
    return range(years[0], last + 1)


def find_stored(
    stored: Mapping[str, StoredScenario],
    scenario_id: str,
    *,
    like: StoredScenario | None = None,
) -> StoredScenario:
    """Return a stored scenario.

    Args:
        stored: see :func:`read_stored`.
        scenario_id: the wanted name.
        like: another scenario, whose census the missing one is to be computed from.

    Raises:
        ComparisonRefusedError: it is not stored; the message has the command that computes it.
    """
    if scenario_id in stored:
        return stored[scenario_id]
    configured = scenario_names()
    known = [*stored, *(name for name in configured if name not in stored)]
    near = get_close_matches(scenario_id, known, n=1, cutoff=0.5)
    wanted = scenario_id if scenario_id in configured else (near[0] if near else None)
    parts = [f"scenario {scenario_id!r} is not in the warehouse"]
    if wanted is not None and wanted != scenario_id:
        parts[0] += f", did you mean {wanted}?"
    parts.append(f"stored are: {', '.join(stored) or 'none'}")
    if wanted is None:
        parts.append(f"configured are: {', '.join(configured)}")
    elif wanted not in stored:
        parts.append(f"compute it with: {command_for(wanted, like=like)}")
    raise ComparisonRefusedError("; ".join(parts))


def command_for(scenario_id: str, *, like: StoredScenario | None) -> str:
    """Return the command that computes a scenario, from the census and years of another."""
    words = ["make", "run", f"SCENARIO={scenario_id}"]
    if like is not None:
        census, horizon = like.settings["census"], like.settings["simulation"]
        if census["path"] is not None:
            words.append(f"CENSUS={census['path']}")
        if census["mapping"] is not None:
            words.append(f"MAPPING={census['mapping']}")
        configured = years_of_scenario(scenario_id)
        if horizon["start_year"] != configured[0]:
            words.append(f"START_YEAR={horizon['start_year']}")
        if like.years != configured:
            words.append(f"YEARS={like.years[0]}-{like.years[-1]}")
    return shlex.join(words)


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
