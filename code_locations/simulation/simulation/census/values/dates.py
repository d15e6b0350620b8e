"""Reads the dates of a census, each column in the formats that its values show.

The distinct texts of a column are parsed, not its rows: a million employees have some ten thousand
dates. Where a text is a date in two ways, as 03/04/2011 is, the other texts of the column that are
written alike decide, then those of the other columns.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb

from simulation.census.columns.mapping import DATE_FIELDS, CensusError, CensusField, CensusMapping
from simulation.census.columns.words import month_numbers
from simulation.census.values.serial_days import count_serial_days

_AHEAD = timedelta(days=3_652)  # the most for a hire or termination with a two-digit year

# Regular expressions of RE2. A time of day and a zone do not move the date.
_TIME = (
    r"(t|,?\s+)\d{1,2}[:.]\d{2}([:.]\d{2}([.,]\d+)?)?\s*([ap]\.?m\.?)?"
    r"\s*(z|utc|gmt|[a-z]{3,4}|[+-]\d{2}:?\d{2}|[+-]\d{2})?(\[.*\])?$"
)
_ZONE = r"^(\d{4}-\d{2}-\d{2})(z|[+-]\d{2}:?\d{2})$"
_WEEKDAY = (
    r"^(mon|tue|tues|wed|wednes|thu|thur|thurs|fri|sat|satur|sun)(day)?[.,]*\s+|"
    r"^(montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|mo|di|mi|do|fr|sa|so)[.,]*\s+"
)
# What systems write where there is no date.
_NO_DATE = (
    r"[-\x{2013}\x{2014}./?]+|n\.?/?a\.?|#n/a|null|none|nil|nan|nat|\\n|unknown|0|"
    r"00[./-]00[./-]0000|0000-00-00.*"
)
_NUMBERS = r"^(\d{1,2})\s?([-/. ])\s?(\d{1,2})\s?[-/. ]\s?(\d{4}|\d{2})\.?$"
_DAY_MONTH = (
    r"^(\d{1,2})(?:st|nd|rd|th|er|º)?[-/., ]*(?:of |de |di )?(\p{L}+)"
    r"[-/., ]*(?:de |del |di )?'?(\d{4}|\d{2})$"
)
_MONTH_DAY = r"^(\p{L}+)[-/. ]*(\d{1,2})(?:st|nd|rd|th)?[-/., ]+'?(\d{4}|\d{2})$"
_YEAR_MONTH = r"^(\d{4})[-/. ](\p{L}+)[-/. ](\d{1,2})$"

_MACROS = """
create or replace temp macro census_day(y, m, d) as
    try_cast(y || '-' || lpad(m::varchar, 2, '0') || '-' || lpad(d::varchar, 2, '0') as date);

-- The last century in which the day is not after the pivot.
create or replace temp macro census_century(y, m, d, latest) as
    case
        when len(y) = 4 then census_day(y, m, d)
        when census_day('20' || y, m, d) <= latest then census_day('20' || y, m, d)
        else (census_day('20' || y, m, d) - to_years(100))::date
    end;
"""

_READINGS = r"""
create or replace temp table census_readings as
with texts as (
    select
        written,
        content,
        lower(strip_accents(content)) as plain,
        map($names::varchar[], $month_numbers::integer[]) as months
    from census_distinct
    where content is not null
),

stripped as (
    select
        written,
        content,
        months,
        regexp_full_match(plain, $no_date) as is_none,
        trim(regexp_replace(regexp_replace(regexp_replace(
            plain, $zone, '\1'), $time, ''), $weekday, '')) as text
    from texts
),

matched as (
    select
        *,
        regexp_extract(text, '^(\d{4})\s?[-/. ]\s?(\d{1,2})\s?[-/. ]\s?(\d{1,2})\.?$',
            ['y', 'm', 'd']) as year_first,
        regexp_extract(
            case
                when regexp_full_match(text, '\d{8}')
                    then text[1:2] || '-' || text[3:4] || '-' || text[5:8]
                else text
            end,
            $numbers, ['a', 'sign', 'b', 'y']
        ) as numbers,
        regexp_extract(text, $day_month, ['d', 'm', 'y']) as day_month,
        regexp_extract(text, $month_day, ['m', 'd', 'y']) as month_day,
        regexp_extract(text, $year_month, ['y', 'm', 'd']) as year_month
    from stripped
),

known as (
    select
        *,
        case
            when year_first.y <> '' then census_day(year_first.y, year_first.m, year_first.d)
            when regexp_full_match(text, '(19|20)\d{6}')
                then census_day(text[1:4], text[5:6], text[7:8])
            when regexp_full_match(text, '[1-7]\d{4}(\.\d+)?')
                then date '1899-12-30' + floor(text::double)::integer
            when months[day_month.m] is not null
                then census_century(day_month.y, months[day_month.m], day_month.d, $pivot)
            when months[month_day.m] is not null
                then census_century(month_day.y, months[month_day.m], month_day.d, $pivot)
            when months[year_month.m] is not null
                then census_day(year_month.y, months[year_month.m], year_month.d)
        end as certain,
        case
            when year_first.y <> '' then 'year-month-day'
            when regexp_full_match(text, '(19|20)\d{6}') then 'yearmonthday'
            when regexp_full_match(text, '[1-7]\d{4}(\.\d+)?') then 'days since 1900'
            else 'month by name'
        end as certain_format,
        len(day_month.y) = 2 or len(month_day.y) = 2 or len(numbers.y) = 2 as has_two_digits
    from matched
)

select
    written,
    content,
    is_none,
    certain,
    certain_format,
    has_two_digits,
    case when regexp_full_match(text, '\d{8}') then '' else numbers.sign end as sign,
    case when certain is null
        then census_century(numbers.y, numbers.b, numbers.a, $pivot)
    end as day_first,
    case when certain is null
        then census_century(numbers.y, numbers.a, numbers.b, $pivot)
    end as month_first,
    case when certain is null and len(numbers.y) = 2
        then census_century(lpad(numbers.a, 2, '0'), numbers.b, numbers.y, $pivot)
    end as year_first,
    text <> lower(strip_accents(content)) and certain is not null as has_time
from known
"""

_EVIDENCE = """
select
    sign,
    count(*) filter (day_first is not null and month_first is null) as only_day_first,
    count(*) filter (month_first is not null and day_first is null) as only_month_first,
    count(*) filter (day_first <> month_first) as either,
    count(*) filter (day_first is null and month_first is null and year_first is not null)
        as only_year_first,
    count(*) filter (year_first is null) as not_year_first
from temp.census_readings_{field}
where certain is null and sign is not null and not is_none
    and coalesce(day_first, month_first, year_first) is not null
group by sign
order by sign
"""

_STATED = """
create or replace temp table census_{field} as
select
    written,
    census_date(content, $date_format) as day,
    false as has_two_digits,
    false as is_none
from census_distinct
where content is not null
"""

_CHOSEN = """
create or replace temp table census_{field} as
select
    written,
    case
        when is_none then null
        when certain is not null then certain
        when orders.way = 'year_first' then year_first
        when orders.way = 'month_first' then coalesce(month_first, day_first)
        when orders.way = 'day_first' then coalesce(day_first, month_first)
        else coalesce(day_first, month_first)
    end as day,
    has_two_digits,
    is_none
from temp.census_readings_{field} as readings
left join (
    select unnest(?::varchar[]) as sign, unnest(?::varchar[]) as way
) as orders on readings.sign = orders.sign
"""

_WRITTEN = {
    "day_first": "day{0}month{0}year",
    "month_first": "month{0}day{0}year",
    "year_first": "year{0}month{0}day",
}


@dataclass(frozen=True)
class DateFormats:
    """How the dates of one column are written, in words, and what was assumed for it."""

    formats: list[str]
    assumptions: list[str]


@dataclass(frozen=True)
class _Evidence:
    sign: str
    only_day_first: int
    only_month_first: int
    either: int
    only_year_first: int
    not_year_first: int

    def way(self) -> str | None:
        """Return the order that the texts show; None if they show none, or two."""
        if self.only_year_first and not self.not_year_first:
            return "year_first"
        if self.only_day_first and not self.only_month_first:
            return "day_first"
        if self.only_month_first and not self.only_day_first:
            return "month_first"
        return None


def parse_dates(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    mapping: CensusMapping,
    stated: Mapping[CensusField, str | None],
    columns: Mapping[CensusField, str],
    opening_date: date,
) -> dict[CensusField, DateFormats]:
    """Create `temp.census_<field>` with the day of each distinct text of each date column.

    Two-digit years are those of the last century in which the date is not in the future: for a
    birth date after `opening_date`, for others after ten more years.

    Args:
        connection: a warehouse with the scenario's rows in `raw.census`.
        scenario_id: the scenario.
        mapping: the mapping of the file.
        stated: the format of each column, None where it is to be found.
        columns: the names of the columns in the file, for messages.
        opening_date: the day of the census.

    Raises:
        CensusError: texts can be read in two ways, and nothing shows which one is right.
    """
    connection.execute(_MACROS)
    found: list[CensusField] = [field for field in DATE_FIELDS if stated[field] is None]
    for field in DATE_FIELDS:
        connection.execute(
            "create or replace temp table census_distinct as "  # noqa: S608 - own names
            f"select {field} as written, census_text({field}) as content from raw.census "
            f"where scenario_id = ? and {field} is not null group by {field}",
            [scenario_id],
        )
        if field in found:
            ahead = timedelta() if field == "birth_date" else _AHEAD
            _read(connection, field, pivot=opening_date + ahead)
        else:
            connection.execute(_STATED.format(field=field), {"date_format": stated[field]})
    evidence: dict[CensusField, dict[str, _Evidence]] = {
        field: _evidence(connection, field) for field in found
    }
    system = count_serial_days(connection, found, mapping, columns, opening_date)
    formats: dict[CensusField, DateFormats] = {}
    for field in DATE_FIELDS:
        if field not in found:
            formats[field] = DateFormats([str(stated[field])], [])
            continue
        orders, assumptions = _orders(connection, scenario_id, field, evidence, mapping, columns)
        connection.execute(_CHOSEN.format(field=field), [list(orders), list(orders.values())])
        formats[field] = DateFormats(
            _formats(connection, field, orders), assumptions + system.pop(field, [])
        )
    connection.execute("drop table temp.census_distinct")
    return formats


def _read(connection: duckdb.DuckDBPyConnection, field: str, *, pivot: date) -> None:
    months = month_numbers()
    connection.execute(
        _READINGS.replace("census_readings", f"census_readings_{field}", 1),
        {
            "no_date": _NO_DATE,
            "zone": _ZONE,
            "time": _TIME,
            "weekday": _WEEKDAY,
            "numbers": _NUMBERS,
            "day_month": _DAY_MONTH,
            "month_day": _MONTH_DAY,
            "year_month": _YEAR_MONTH,
            "names": list(months),
            "month_numbers": list(months.values()),
            "pivot": pivot,
        },
    )


def _evidence(connection: duckdb.DuckDBPyConnection, field: str) -> dict[str, _Evidence]:
    rows = connection.execute(_EVIDENCE.format(field=field)).fetchall()
    return {row[0]: _Evidence(*row) for row in rows}


def _orders(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    field: CensusField,
    evidence: Mapping[CensusField, Mapping[str, _Evidence]],
    mapping: CensusMapping,
    columns: Mapping[CensusField, str],
) -> tuple[dict[str, str], list[str]]:
    """Return the order of the dates with each sign between their numbers, and what was assumed."""
    orders: dict[str, str] = {}
    assumptions: list[str] = []
    name = columns.get(field, field)
    for sign, shown in evidence[field].items():
        way = mapping.date_order or shown.way()
        if way is None and shown.either:
            of_others = {
                other[sign].way()
                for key, other in evidence.items()
                if key != field and sign in other and other[sign].way() is not None
            }
            conflict = shown.only_day_first and shown.only_month_first
            if len(of_others) == 1 and not conflict:
                (way,) = of_others
                assumptions.append(
                    f"{name}: {_written(way, sign)}, as in the other dates of the file"
                )
            elif sign == "." and not conflict:
                way = "day_first"
                assumptions.append(f"{name}: {_written(way, sign)}, as dates with points are")
            else:
                raise CensusError(_two_readings(connection, scenario_id, field, name, sign))
        orders[sign] = way or "day_first"
    return orders, assumptions


def _written(way: str | None, sign: str) -> str:
    return _WRITTEN[way or "day_first"].format(sign)


def _two_readings(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, field: str, name: str, sign: str
) -> str:
    rows = connection.execute(
        f"""
        select row_number, content, day_first, month_first, count(*) over () as rows
        from temp.census_readings_{field}
        inner join raw.census on written = {field} and scenario_id = ?
        where sign = ? and day_first <> month_first
        order by row_number
        limit 5
        """,  # noqa: S608 - own names
        [scenario_id, sign],
    ).fetchall()
    examples = "; ".join(
        f"row {number}: {content} is {day_first} or {month_first}"
        for number, content, day_first, month_first, _ in rows
    )
    more = f" and {rows[0][4] - len(rows):,} more" if rows[0][4] > len(rows) else ""
    return (
        f"{name} ({field}) has dates that can be read in two ways, and nothing in the file shows "
        f"which is right: {examples}{more}. State `date_order: day_first` or "
        "`date_order: month_first` in a mapping"
    )


def _formats(
    connection: duckdb.DuckDBPyConnection, field: str, orders: Mapping[str, str]
) -> list[str]:
    rows = connection.execute(
        f"""
        select
            case when certain is null then sign else certain_format end as format,
            certain is null as is_ordered,
            bool_or(day_first is not null and month_first is null) as has_day_first,
            bool_or(month_first is not null and day_first is null) as has_month_first,
            bool_or(has_time) as has_time,
            bool_or(has_two_digits) as has_two_digits
        from temp.census_readings_{field}
        where coalesce(certain, day_first, month_first, year_first) is not null and not is_none
        group by all
        order by all
        """  # noqa: S608 - own names
    ).fetchall()
    formats = []
    for name, is_ordered, has_day_first, has_month_first, has_time, has_two_digits in rows:
        if not is_ordered:
            written = [name]
        elif has_day_first and has_month_first:
            written = [_written("day_first", name), _written("month_first", name)]
        else:
            written = [_written(orders[name], name)]
        suffix = " with a time or zone" if has_time else ""
        suffix += " (two-digit years)" if has_two_digits else ""
        formats += [f"{one}{suffix}" for one in written]
    return formats
