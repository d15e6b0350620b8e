"""Reads yearly censuses, each as the census of a run is read, and matches people by their id."""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from pathlib import Path
from statistics import median_low

import duckdb

from simulation.census import CensusMapping, create_tables, read_census, validate_census
from simulation.census.levels import PayBands, top_level

_YEAR = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_FEWEST_PEOPLE = 30
_LEAST_MATCHED = 0.5
_DECEMBER, _MONTHS_WITHOUT_HIRES = 12, 3

# A second position of a person is part of their pay; the ids are those of the files.
_PEOPLE = """
insert into people
select
    ? as year,
    employee_id,
    hire_date,
    birth_date,
    level,
    coalesce(department, 'none') as department,
    annual_compensation::double as pay,
    job_family
from raw.census_accepted
where scenario_id = ?
"""


class HistoryError(ValueError):
    """A history cannot be fitted; the message says which file or year is wrong, and why."""


@dataclass(frozen=True)
class Snapshot:
    """One yearly census: the state of everybody at the end of `year`."""

    path: Path
    year: int
    day: date
    people: int
    rejected: int


def read_history(
    connection: duckdb.DuckDBPyConnection,
    paths: Sequence[Path],
    *,
    mappings: Mapping[str, CensusMapping],
    year_end: tuple[int, int] | None = None,
) -> list[Snapshot]:
    """Create the table `people` with a row for each person and year, and return the censuses.

    Args:
        connection: a database without it.
        paths: the files, named with their years, such as ``fy2012.csv``; in any order.
        mappings: the configured mappings of census files.
        year_end: month and day on which the censuses were made; without it, 31 December, or
            the end of the month of the newest hires where that is long before.

    Raises:
        HistoryError: fewer than two files, no year in a name, years that do not follow one
            another, or files whose people do not match.
        CensusError: a file cannot be read.
    """
    years = years_of(paths)
    create_tables(connection)
    for year, path in years.items():
        read_census(connection, path=path, scenario_id=str(year), mappings=mappings)
        _validate(connection, year, path, date(year, 12, 31))
    month = year_end[0] if year_end else _month_of_newest_hires(connection, years)
    connection.execute(
        "create or replace table people (year integer, employee_id varchar, hire_date date, "
        "birth_date date, level integer, department varchar, pay double, job_family varchar)"
    )
    snapshots = []
    for year, path in years.items():
        day = date(year, month, year_end[1] if year_end else monthrange(year, month)[1])
        rejected = _validate(connection, year, path, day)
        connection.execute(_PEOPLE, [year, str(year)])
        ((people,),) = connection.execute(
            "select count(*) from people where year = ?", [year]
        ).fetchall()
        snapshots.append(Snapshot(path, year, day, people, rejected))
    _check_matches(connection, snapshots)
    return snapshots


def years_of(paths: Sequence[Path]) -> dict[int, Path]:
    """Return the files by the years in their names, in order.

    Raises:
        HistoryError: see :func:`read_history`.
    """
    if len(paths) < 2:  # noqa: PLR2004 - a year and the next
        raise HistoryError(
            f"{len(paths)} yearly census is too little history, two or more are needed: what "
            "changes shows only from one to the next"
        )
    years: dict[int, Path] = {}
    for path in paths:
        found = _YEAR.findall(path.stem)
        if len(set(found)) != 1:
            raise HistoryError(
                f"{path}: the name has {'no year' if not found else ' and '.join(found)}, name the "
                "file with the one year at whose end it was made, such as fy2012.csv"
            )
        if (year := int(found[0])) in years:
            raise HistoryError(
                f"{path}: {years[year]} is of {year} too, allowed is one file a year"
            )
        years[year] = path
    for before, after in pairwise(sorted(years)):
        if after != before + 1:
            raise HistoryError(
                f"{years[after]}: {before} is followed by {after}, allowed are years that follow "
                "one another"
            )
    return dict(sorted(years.items()))


def day_of_year(text: str) -> tuple[int, int]:
    """Return the month and the day of a text such as ``06-30``.

    Raises:
        HistoryError: the text is another.
    """
    try:
        day = date.fromisoformat(f"2001-{text}")
    except ValueError:
        raise HistoryError(
            f"{text!r} is not a day of every year, allowed is month-day, such as 06-30"
        ) from None
    return day.month, day.day


def _validate(
    connection: duckdb.DuckDBPyConnection, year: int, path: Path, opening_date: date
) -> int:
    # bands low enough for whatever pay: they only matter for findings that nobody reads here
    any_pay: PayBands = dict.fromkeys(range(1, top_level() + 1), (1.0, 1e9))
    verdict = validate_census(
        connection,
        scenario_id=str(year),
        census_name=path.name,
        opening_date=opening_date,
        top_level=top_level(),
        reject_share_limit=1.0,
        bands=any_pay,
    )
    return verdict.rows_rejected


def _month_of_newest_hires(connection: duckdb.DuckDBPyConnection, years: Mapping[int, Path]) -> int:
    """Return December, or the middle month of the newest hires where all are long before it."""
    rows = connection.execute(
        "select max(hire_date) from raw.census_accepted "
        "where scenario_id in (select unnest(?::varchar[])) group by scenario_id",
        [[str(year) for year in years]],
    ).fetchall()
    months = [newest.month for (newest,) in rows]
    return _DECEMBER if max(months) > _DECEMBER - _MONTHS_WITHOUT_HIRES else median_low(months)


def _check_matches(connection: duckdb.DuckDBPyConnection, snapshots: Sequence[Snapshot]) -> None:
    for before, after in pairwise(snapshots):
        if before.people < _FEWEST_PEOPLE:
            raise HistoryError(
                f"{before.path}: {before.people} people are too few to fit a rate, needed are "
                f"{_FEWEST_PEOPLE}"
            )
        ((matched,),) = connection.execute(
            "select count(*) from people as opening inner join people as closing "
            "using (employee_id) where opening.year = ? and closing.year = ?",
            [before.year, after.year],
        ).fetchall()
        if matched < _LEAST_MATCHED * before.people:
            raise HistoryError(
                f"{after.path}: {matched:,} of the {before.people:,} people of {before.year} are "
                f"in it, allowed is at least half: does an employee_id mean the same person in "
                "both files?"
            )
