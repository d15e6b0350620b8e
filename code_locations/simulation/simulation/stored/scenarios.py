"""The scenarios that the warehouse holds."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import duckdb
from pydantic import ValidationError

from shared_lib.warehouse import WarehouseMissingError, read_location
from simulation.config.partitions import scenario_names, years_of_scenario
from simulation.config.settings import ScenarioSettings
from simulation.stored.columns import has_column
from simulation.year_names import CALENDAR_YEAR, YearNames


class NotStoredError(ValueError):
    """The warehouse does not hold a scenario; the message says what computes it."""


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
            NotStoredError: another release stored them.
        """
        try:
            return ScenarioSettings.model_validate_json(json.dumps(self.settings))
        except ValidationError as error:
            message = (
                f"the settings of {self.scenario_id} are of another release, "
                f"{error.errors()[0]['msg']}: compute it again with "
                f"{command_for(self.scenario_id, like=self)} REPLACE=1"
            )
            raise NotStoredError(message) from None

    @property
    def names(self) -> YearNames:
        """Return how its years are named."""
        return YearNames(self.settings["simulation"].get("first_day", CALENDAR_YEAR))


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


@contextmanager
def reading_stored(
    *scenario_ids: str, on_wait: Callable[[str], None], as_of: str | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """Connect to the warehouse that should hold the scenarios, for reading.

    Args:
        scenario_ids: their names.
        on_wait: called with a line that says for whom the connection waits.
        as_of: the id of a run, or its beginning, to read what it left; by default what there is.

    Raises:
        NoSuchStateError: what the run left cannot be read.
        NotStoredError: there is no warehouse; the message has what computes the scenarios.
        WarehouseBusyError: a run holds the warehouse for longer than a minute.
    """
    try:
        with read_location("simulation", as_of=as_of, on_wait=on_wait) as connection:
            yield connection
    except WarehouseMissingError as error:
        commands = " and ".join(command_for(name, like=None) for name in scenario_ids)
        scenarios = "scenario" if len(scenario_ids) == 1 else "scenarios"
        message = f"{error}: compute the {scenarios} with {commands}"
        raise NotStoredError(message) from None


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


def ledger_has(connection: duckdb.DuckDBPyConnection, column: str) -> bool:
    """Return whether the ledger has a column, unlike one that a run has not migrated yet."""
    return has_column(connection, "intermediate.int_employee_years", column)


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
        like: another scenario, whose census the missing one is to be computed from; by default
            the first stored one.

    Raises:
        NotStoredError: it is not stored; the message has the command that computes it.
    """
    if scenario_id in stored:
        return stored[scenario_id]
    like = like or next(iter(stored.values()), None)
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
    raise NotStoredError("; ".join(parts))


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
