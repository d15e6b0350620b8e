"""Writers of a lake that tests start as processes, so that little is imported here."""

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
    """Write the years of a part that are not there, each in a transaction, as a run does."""
    with (
        hold_location(LOCATION, part=part, holder=holder, wait_seconds=90, on_wait=print),
        claimed(LOCATION, part=part, holder=holder) as (mine, connection),
    ):
        for year in YEARS:
            report.send(year)
            mine.tried_again(lambda year=year: write_year(connection, mine, year))
    report.send("done")


def write_year(connection: duckdb.DuckDBPyConnection, mine: Claim, year: int) -> None:
    """Replace a year of a part, as a run does."""
    named = {"part": mine.part, "year": year}
    with mine.written(connection):
        connection.execute("delete from ledger where part = $part and year = $year", named)
        connection.execute(
            f"insert into ledger select $part, $year, unnest(range({EMPLOYEES}))", named
        )


def years_stored(part: str) -> list[tuple[int, tuple[int, int]]]:
    """Return each year with its number of rows and of employees."""
    with read_location(LOCATION) as connection:
        rows = connection.execute(
            "select year, count(*), count(distinct employee) from ledger where part = ? "
            "group by year order by year",
            [part],
        ).fetchall()
    return [(year, (number, distinct)) for year, number, distinct in rows]
