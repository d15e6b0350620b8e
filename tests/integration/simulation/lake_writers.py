"""Writers of a lake that tests start as processes, so that little is imported here."""

from collections.abc import Callable
from multiprocessing.connection import Connection

import duckdb

from shared_lib.warehouse.backends import hold_location, read_location
from shared_lib.warehouse.lake.attachment import open_lake
from shared_lib.warehouse.lake.claim import Claim, claimed

LOCATION = "simulation"
YEARS = range(2025, 2029)
EMPLOYEES = 500
WHOLE = (EMPLOYEES, EMPLOYEES)


def claim(part: str, holder: str) -> Claim:
    """The claim of a run on a part."""
    return Claim(location=LOCATION, part=part, holder=holder)


def create_ledger() -> None:
    """Make the table that all write."""
    with open_lake(LOCATION) as connection:
        connection.execute("create table ledger (part varchar, year integer, employee integer)")


def write_years(part: str, holder: str, report: Connection) -> None:
    """Write the years of a part, each in a transaction, as a run does."""
    with (
        hold_location(LOCATION, part=part, holder=holder, wait_seconds=90, on_wait=print),
        claimed(LOCATION, part=part, holder=holder) as (mine, connection),
    ):
        for year in YEARS:
            mine.tried_again(
                lambda year=year: write_year(connection, mine, year, begins=report.send)
            )
    report.send("done")


def write_year(
    connection: duckdb.DuckDBPyConnection,
    mine: Claim,
    year: int,
    *,
    begins: Callable[[int], None] = lambda _: None,
) -> None:
    """Replace a year of a part, as a run does; ``begins`` is called in the transaction."""
    named = {"part": mine.part, "year": year}
    with mine.written(connection):
        begins(year)
        connection.execute("delete from ledger where part = $part and year = $year", named)
        connection.execute(
            f"insert into ledger select $part, $year, unnest(range({EMPLOYEES}))", named
        )


def rows_by_year() -> dict[tuple[str, int], tuple[int, int]]:
    """For each part and year that is stored, the number of rows and of employees."""
    with read_location(LOCATION) as connection:
        rows = connection.execute(
            "select part, year, count(*), count(distinct employee) from ledger group by all"
        ).fetchall()
    return {(part, year): (number, distinct) for part, year, number, distinct in rows}


def years_stored(part: str) -> list[tuple[int, tuple[int, int]]]:
    """The same of one part, by year."""
    return sorted((year, counts) for (of, year), counts in rows_by_year().items() if of == part)
