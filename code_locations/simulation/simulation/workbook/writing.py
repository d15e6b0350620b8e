"""Writes the workbook of a stored scenario beside the reports."""

from pathlib import Path

import duckdb

from shared_lib.configuration.environment import current_settings
from simulation.compare.attribution import compare
from simulation.compare.pair import paired
from simulation.stored.scenarios import find_stored, read_stored
from simulation.workbook.contents import write_scenario_workbook


def write_stored(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    *,
    against: str | None = None,
    years: range | None = None,
    has_people: bool = False,
    as_of: str | None = None,
    output: Path | None = None,
) -> Path:
    """Write a stored scenario, and return the path of its workbook.

    Args:
        connection: the warehouse; it takes a temporary table where scenarios are compared.
        scenario_id: the scenario.
        against: another one, to compare it with in further sheets.
        years: those to write, by default all.
        has_people: whether every employee of every year is listed.
        as_of: the run whose state ``connection`` reads, for the file's name.
        output: the file, by default one beside the reports.

    Raises:
        NotStoredError: a scenario is not stored.
        ComparisonRefusedError: the two cannot be compared.
        YearsMissingError: it has none of the years.
        SheetFullError: there are more events or people than a sheet holds.
    """
    stored = find_stored(read_stored(connection), scenario_id)
    comparison = (
        None if against is None else compare(connection, paired(connection, against, scenario_id))
    )
    run = "" if as_of is None else f"-as-of-{as_of[:8]}"
    name = f"{scenario_id}-{stored.fingerprint}{run}.xlsx"
    return write_scenario_workbook(
        connection,
        scenario_id=scenario_id,
        path=output or current_settings().report_directory / name,
        years=years,
        has_people=has_people,
        comparison=comparison,
    )
