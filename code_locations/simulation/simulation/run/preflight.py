"""What is known before a run: whether it is refused, changes nothing, or removes stored years.

Reads the warehouse and imports no Dagster, so that an unchanged request is answered in a second.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from shared_lib.configuration.environment import current_settings
from shared_lib.warehouse import WarehouseBusyError, WarehouseMissingError, read_location
from shared_lib.warehouse.connection import open_memory
from simulation.config.census_file import census_path, file_digest, reading_digest
from simulation.config.settings import ScenarioSettings
from simulation.state.identity import census_digest, identity_of
from simulation.state.removal import Removal, removal_by, stored_inputs
from simulation.state.runs import YearRefusedError, refuse_impossible
from simulation.state.stored_years import completed_years
from simulation.state.year_state import read_states


@dataclass(frozen=True, kw_only=True)
class Preflight:
    """What a run would do.

    Attributes:
        removal: the stored years that it removes.
        report: the report of the requested years, if all of it is stored and nothing has changed.
    """

    removal: Removal
    report: Path | None = field(default=None)


def look_ahead(scenario_id: str, settings: ScenarioSettings, years: range) -> Preflight:
    """Compare the requested years with what is stored.

    While another run writes the warehouse nothing is known; the run's own first steps decide.

    Raises:
        YearRefusedError: the year before the first is missing or came from something else.
        CensusError: the census is another than before and cannot be read.
    """
    nothing = Preflight(removal=Removal(scenario_id=scenario_id, reasons={}))
    try:
        with read_location("simulation", wait_seconds=0) as connection:
            return _compare(connection, scenario_id, settings, years) or nothing
    except WarehouseMissingError:
        _refuse(scenario_id, settings, years, identity="", stored={})
        return nothing
    except WarehouseBusyError:
        return nothing


def _refuse(
    scenario_id: str,
    settings: ScenarioSettings,
    years: range,
    *,
    identity: str,
    stored: Mapping[int, str],
) -> None:
    start_year = settings.simulation.start_year
    try:
        refuse_impossible(
            scenario_id=scenario_id,
            identity=identity,
            start_year=start_year,
            first_year=years[0],
            complete=dict(stored),
        )
    except YearRefusedError as error:
        message = (
            f"{error}\n--years {start_year}-{years[-1]} begins with the scenario's first year; "
            f"--start-year {years[0]} begins with a census of "
            f"{settings.simulation.last_day_of(years[0] - 1)} instead"
        )
        raise YearRefusedError(message) from None


def _compare(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    settings: ScenarioSettings,
    years: range,
) -> Preflight | None:
    stored = completed_years(connection, scenario_id)
    if not stored:
        return _refuse(scenario_id, settings, years, identity="", stored=stored)
    source = census_path(settings)
    if settings.census.path is not None and not source.exists():
        return None  # the census step names the file
    inputs = [stored_inputs(connection, owner) for owner in set(stored.values())]
    census = _known_census(inputs, settings, source)
    if census is None:
        census = _census_of(scenario_id, settings)
    identity = identity_of(scenario_id=scenario_id, settings=settings, census_digest=census)
    _refuse(scenario_id, settings, years, identity=identity, stored=stored)
    removal = removal_by(connection, scenario_id=scenario_id, settings=settings, census=census)
    states = read_states(connection, scenario_id=scenario_id, years=years)
    is_complete = all(stored.get(year) == identity for year in years) and len(states) == len(years)
    is_unchanged = _all_settings(stored_inputs(connection, identity)) == _dumped(settings)
    if removal or not is_complete or not is_unchanged:
        return Preflight(removal=removal)
    return Preflight(removal=removal, report=_latest_report(scenario_id, identity))


def _known_census(
    inputs: list[dict[str, Any]], settings: ScenarioSettings, source: Path
) -> str | None:
    """Return the digest of the employees that were once read from the same file, the same way."""
    if not source.exists():
        return None
    digest = file_digest(source)
    wanted = _dumped(settings)
    for known in inputs:
        before = _all_settings(known)
        if (
            known.get("census_sha256") == digest
            and known.get("reading_digest") == reading_digest()
            and before["census"] == wanted["census"]
            and all(
                before["simulation"].get(day) == wanted["simulation"][day]
                for day in ("start_year", "first_day")
            )
        ):
            return known["census_digest"]
    return None


def _census_of(scenario_id: str, settings: ScenarioSettings) -> str:
    """Return the digest of the employees that a run would accept; reads the file into memory."""
    # imported here: imports Dagster
    from simulation.assets.preparation import read_scenario_census, validate_scenario_census
    from simulation.census import create_tables, publish_baseline

    with open_memory() as memory:
        create_tables(memory)
        read_scenario_census(memory, scenario_id=scenario_id, settings=settings)
        validate_scenario_census(memory, scenario_id=scenario_id, settings=settings)
        publish_baseline(memory, scenario_id=scenario_id)
        return census_digest(memory, scenario_id)


def _all_settings(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Return a fingerprint's settings without those that no result depends on."""
    if not inputs:
        return {}
    settings = json.loads(inputs["configuration"])
    del settings["simulation"]["end_year"], settings["census"]["path"]
    return settings


def _dumped(settings: ScenarioSettings) -> dict[str, Any]:
    return _all_settings({"configuration": settings.model_dump_json()})


def _latest_report(scenario_id: str, fingerprint: str) -> Path | None:
    found = current_settings().report_directory.glob(f"{scenario_id}-{fingerprint}-*.html")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)
