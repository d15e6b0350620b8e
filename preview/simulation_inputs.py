"""What the simulation's models are built from: the last run of the warehouse, or a small one."""

import os
from pathlib import Path

import duckdb

from shared_lib.configuration.environment import DATA_DIRECTORY_VARIABLE

_SCENARIO = "baseline"
_PEOPLE = 1000
_YEARS = 3


def prepare(connection: duckdb.DuckDBPyConnection) -> tuple[list[str], str]:
    """Let the last run begin with the first year of its scenario, whose rows are all built anew.

    A run that went on from a stored year would find no such year in the copy. The census and the
    settings of the scenario are those that the run recorded, so only the models differ.

    Returns:
        The options of dbt, which name the years, and a remark for the reader.
    """
    known = connection.execute(
        "select 1 from duckdb_tables() where schema_name = 'raw' and table_name = 'simulation_run'"
    ).fetchone()
    last = (
        known
        and connection.execute(
            "select scenario_id, start_year, last_year from raw.simulation_run "
            "order by requested_at desc limit 1"
        ).fetchone()
    )
    if not last:
        return [], "no run is recorded in it"
    scenario, first_year, last_year = last
    connection.execute(
        "update raw.simulation_run set first_year = start_year where scenario_id = ?", [scenario]
    )
    years = [
        *("--event-time-start", f"{first_year}-01-01"),
        *("--event-time-end", f"{last_year + 1}-01-01"),
    ]
    return years, f"scenario {scenario} is simulated from {first_year} to {last_year} by both"


def generate(file: Path) -> str:
    """Write a warehouse with a generated census of 1,000 people and a run of three years.

    Returns:
        Where its rows come from, in words.
    """
    from shared_lib.configuration.environment import current_settings
    from simulation.assets.preparation import read_scenario_census, validate_scenario_census
    from simulation.census.judgement.validation import publish_baseline
    from simulation.census.tables import create_tables as create_census_tables
    from simulation.config import load_scenario
    from simulation.state.runs import open_run, record_request
    from simulation.state.tables import create_tables

    first_year = load_scenario(_SCENARIO).simulation.start_year
    settings = load_scenario(
        _SCENARIO,
        changes={
            "simulation": {"end_year": first_year + _YEARS - 1},
            "census": {"path": None, "generated_size": _PEOPLE},
        },
    )
    # the generated file goes below the data directory, which is the preview's own meanwhile
    moved = os.environ.get(DATA_DIRECTORY_VARIABLE)
    os.environ[DATA_DIRECTORY_VARIABLE] = str(file.parent)
    try:
        assert current_settings().data_directory == file.parent.resolve()  # noqa: S101 - or it would write elsewhere
        with duckdb.connect(str(file)) as connection:
            create_tables(connection)
            create_census_tables(connection)
            record_request(connection, scenario_id=_SCENARIO, settings=settings, resume=False)
            read_scenario_census(connection, scenario_id=_SCENARIO, settings=settings)
            validate_scenario_census(connection, scenario_id=_SCENARIO, settings=settings)
            publish_baseline(connection, _SCENARIO)
            open_run(
                connection,
                run_id="preview",
                first_year=first_year,
                last_year=first_year + _YEARS - 1,
            )
    finally:
        if moved is None:
            del os.environ[DATA_DIRECTORY_VARIABLE]
        else:
            os.environ[DATA_DIRECTORY_VARIABLE] = moved
    return f"a generated census of {_PEOPLE:,} people, because there is no warehouse yet"
