"""The serial numbers of days that spreadsheets have for dates, counted from one of two years."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import duckdb

from simulation.census.columns.mapping import CensusField, CensusMapping

_USUAL, _LATER = 1900, 1904
# Spreadsheets count days from the end of 1899, or 1462 days later, from 1 January 1904. Where the
# first leaves nobody hired for years and the second has a newest hire within a year of the census,
# it is the second.
_SYSTEMS_APART = timedelta(days=1_462)
_NEWEST_HIRE = timedelta(days=366)
_LEAST_HIRES = 5


def count_serial_days(
    connection: duckdb.DuckDBPyConnection,
    found: Sequence[CensusField],
    mapping: CensusMapping,
    columns: Mapping[CensusField, str],
    opening_date: date,
) -> dict[CensusField, list[str]]:
    """Count the serial numbers of days from 1900 or 1904; a sentence for a column says which.

    Changes `temp.census_readings_<field>` of the fields that were `found`, in which they are
    counted from 1900. Without a stated system it is 1904 if only that leads to plausible hires.
    """
    serial: dict[CensusField, tuple[int, date | None]] = {
        field: _row(
            connection,
            "select count(*), max(certain) "  # noqa: S608 - own names
            f"from temp.census_readings_{field} where certain_format = 'days since 1900' "
            "and certain is not null",
        )
        for field in found
    }
    fields: list[CensusField] = [field for field, (dates, _) in serial.items() if dates]
    if not fields:
        return {}
    dates, newest = serial.get("hire_date", (0, None))
    later = newest + _SYSTEMS_APART if newest else None
    system = mapping.date_system or (
        _LATER
        if later and dates >= _LEAST_HIRES and abs(later - opening_date) <= _NEWEST_HIRE
        else _USUAL
    )
    if system == _LATER:
        for field in fields:
            connection.execute(
                f"update temp.census_readings_{field} "  # noqa: S608 - own names
                "set certain = certain + $apart::integer, certain_format = 'days since 1904' "
                "where certain_format = 'days since 1900' and certain is not null",
                {"apart": _SYSTEMS_APART.days},
            )
    other = _LATER if system == _USUAL else _USUAL
    if mapping.date_system:
        why = ", as the workbook says or the mapping states"
    elif newest and later:
        first, second = (newest, later) if system == _USUAL else (later, newest)
        why = (
            f": the newest hire date is {first}; it would be {second} with `date_system: {other}` "
            "in a mapping"
        )
    else:
        why = f"; `date_system: {other}` in a mapping counts from {other}"
    names = ", ".join(columns[field] for field in fields)
    return {fields[0]: [f"{names}: serial numbers of days are counted from {system}{why}"]}


def _row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple:
    (row,) = connection.execute(query).fetchall()
    return row
