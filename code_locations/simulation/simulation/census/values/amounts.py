"""Reads the amounts of a census, whichever decimal mark they have.

As with the dates, distinct texts are parsed, and the texts that can be read in one way only decide
on those, such as 56.000, that can be read in two.
"""

import re
from dataclasses import dataclass

import duckdb

from simulation.census.columns.mapping import CensusError, CensusMapping
from simulation.census.columns.words import CURRENCIES, SHARED_SIGNS

# RE2, after blanks. A currency is a sign, a code of three letters or a usual abbreviation.
_CURRENCY = r"\p{Sc}|" + "|".join(re.escape(word) for word in CURRENCIES)
_PER = r"\s*(?:/|per |pro |par |por )\s*(\p{L}[\p{L} ]*)\.?$|\s+(p\.? ?a\.?|p\.? ?m\.?|p\.? ?h\.?)$"
_THOUSANDS = r"k|t|thousand|tausend|tsd\.?|mille"
_MILLIONS = r"m|mm|mn|mio\.?|million|millionen|millions|millones"
# A sign, a currency on either side, and after the digits a minus, or the dash of 56.000,-; before
# the currency that follows, the unit of 85.3k
_AMOUNT = (
    rf"^(\(?)([+-]?) ?({_CURRENCY})? ?([+-]?) ?(\d[\d., '\x{{2019}}]*?)"
    rf"(?: ?({_THOUSANDS}|{_MILLIONS}))?(?: ?({_CURRENCY}))?"
    rf"(?: ?(-|[.,][-\x{{2013}}\x{{2014}}]+)(?: ?({_CURRENCY}))?)? ?(\)?)$"
)
_BLANKS = r"[\s\x{a0}\x{202f}\x{2009}\x{2007}]"
_BLANKS_AND_PERCENT = r"[\s\x{a0}\x{202f}\x{2009}\x{2007}%]"
_NUMBER = r"\d{1,14}(\.\d\d?)?"
_GROUPED_POINT = r"\d{1,3}(,\d{2})*,\d{3}(\.\d+)?|\d{1,15}(\.\d+)?"
_GROUPED_COMMA = r"\d{1,3}(\.\d{3})+(,\d+)?|\d{1,15}(,\d+)?"
_SPACED = r"\d{1,3}([ '\x{2019}]\d{3})+([.,]\d{1,2})?"

# DuckDB takes 7 us to read a decimal(38, 20) and 0.1 us to widen a decimal(16, 2) to one, which has
# the same value where the text has so few digits.
_MACROS = rf"""
create or replace temp macro census_amount(digits) as
    case
        when regexp_full_match(digits, '{_NUMBER}')
            then try_cast(digits as decimal(16, 2))::decimal(38, 20)
        else try_cast(digits as decimal(38, 20))
    end;
"""

_AMOUNTS = r"""
create or replace temp table {table} as
with texts as (
    select
        {column} as written,
        census_text({column}) as content,
        count(*) as rows,
        min(row_number) as first_row
    from raw.census
    where scenario_id = $scenario_id and {column} is not null
    group by {column}
),

-- Almost all are digits alone, and need none of the expressions that follow.
split as (
    select
        *,
        regexp_full_match(content, $number) as is_number,
        case when not is_number
            then lower(regexp_replace(content, $blanks, ' ', 'g'))
        end as plain,
        regexp_replace(plain, $per, '') as before,
        nullif(trim(concat(
            regexp_extract(plain, $per, 1), regexp_extract(plain, $per, 2)
        )), '') as basis_word
    from texts
),

parted as (
    select
        * exclude (plain, before),
        regexp_extract(
            trim(before),
            $amount,
            [
                'opening', 'sign', 'currency_before', 'inner_sign', 'digits', 'unit',
                'currency_behind', 'tail', 'currency_at_end', 'closing'
            ]
        ) as parts
    from split
),

ungrouped as (
    select
        * exclude (parts),
        case
            when is_number then content
            -- one sign at most, and both parentheses or none
            when len(concat(parts.sign, parts.inner_sign, parts.opening)) + (parts.tail = '-')::int
                > 1
                or len(parts.opening) <> len(parts.closing)
                then ''
            when regexp_full_match(parts.digits, $spaced)
                then regexp_replace(parts.digits, '[ ''\x{{2019}}]', '', 'g')
            else parts.digits
        end as digits,
        case
            when parts.opening = '(' or '-' in (parts.sign, parts.inner_sign, parts.tail) then -1
            else 1
        end
        * case
            when coalesce(parts.unit, '') = '' then 1
            when regexp_full_match(parts.unit, $thousands) then 1000
            else 1000000
        end as factor,
        -- of $ 5 CAD, the code
        coalesce(
            nullif(parts.currency_at_end, ''),
            nullif(parts.currency_behind, ''),
            nullif(parts.currency_before, '')
        ) as currency
    from parted
),

readings as (
    select
        written,
        content,
        rows,
        first_row,
        basis_word,
        digits,
        factor,
        currency,
        case when regexp_full_match(digits, $grouped_point)
            then census_amount(replace(digits, ',', ''))
        end as with_point,
        case when regexp_full_match(digits, $grouped_comma)
            then census_amount(replace(replace(digits, '.', ''), ',', '.'))
        end as with_comma
    from ungrouped
)

select
    written,
    content,
    rows,
    first_row,
    basis_word,
    digits,
    abs(factor) > 1 as has_unit,
    coalesce(map($symbols::varchar[], $codes::varchar[])[currency], upper(currency)) as currency,
    factor * with_point as with_point,
    factor * with_comma as with_comma
from readings
"""

_EVIDENCE = r"""
select
    count(*) filter (with_comma is null and digits like '%.%') as shows_point,
    count(*) filter (with_comma is null and digits like '%,%' and digits not like '%.%')
        as shows_grouping_comma,
    count(*) filter (with_point is null and digits like '%,%') as shows_comma,
    count(*) filter (with_point is null and digits like '%.%' and digits not like '%,%')
        as shows_grouping_point,
    count(*) filter (regexp_matches(digits, '^\d{{4}}')) as ungrouped,
    count(*) filter (with_point <> with_comma and digits like '%.%') as either_point,
    count(*) filter (with_point <> with_comma and digits like '%,%') as either_comma
from temp.{table}
"""


@dataclass(frozen=True)
class AmountFormat:
    """The sign before the decimals of a column's amounts, and what was assumed for it."""

    separator: str
    assumptions: list[str]


def parse_amounts(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    column: str,
    name: str,
    mapping: CensusMapping,
) -> AmountFormat:
    """Create `temp.census_amounts_<column>` with the amount of each distinct text of a column.

    Its `basis_word` is what follows an amount such as ``25.50 / hour``.

    Args:
        connection: a warehouse with the scenario's rows in `raw.census`.
        scenario_id: the scenario.
        column: the census column.
        name: its name in the file, for messages.
        mapping: the mapping of the file.

    Raises:
        CensusError: amounts can be read in two ways, and nothing shows which one is right; or they
            are in several currencies.
    """
    table = f"census_amounts_{column}"
    connection.execute(_MACROS)
    connection.execute(
        _AMOUNTS.format(table=table, column=column),
        {
            "scenario_id": scenario_id,
            "blanks": _BLANKS_AND_PERCENT if column == "fte" else _BLANKS,
            "per": _PER,
            "amount": _AMOUNT,
            "thousands": _THOUSANDS,
            "number": _NUMBER,
            "spaced": _SPACED,
            "symbols": list(CURRENCIES),
            "codes": list(CURRENCIES.values()),
            "grouped_point": _GROUPED_POINT,
            "grouped_comma": _GROUPED_COMMA,
        },
    )
    found = _separator(connection, scenario_id, column, name, mapping)
    stated = mapping.decimal_separator is not None
    first, second = (
        ("with_comma", "with_point") if found.separator == "," else ("with_point", "with_comma")
    )
    amount = first if stated else f"coalesce({first}, {second})"
    connection.execute(
        f"create or replace temp table {table} as "  # noqa: S608 - own names
        f"select written, content, rows, first_row, basis_word, {amount} as amount, "
        f"try_cast({amount} as decimal(16, 2)) as cents, has_unit, currency from temp.{table}"
    )
    _refuse_several_currencies(connection, column, name)
    return AmountFormat(found.separator, found.assumptions + _with_units(connection, column, name))


def _refuse_several_currencies(
    connection: duckdb.DuckDBPyConnection, column: str, name: str
) -> None:
    found = connection.execute(
        f"""
        select currency, min(first_row) as row, min_by(content, first_row), sum(rows)
        from temp.census_amounts_{column}
        where currency is not null and cents is not null
        group by currency
        order by row
        """  # noqa: S608 - own names
    ).fetchall()
    codes = {currency for currency, *_ in found}
    shared = {sign for sign, of_sign in SHARED_SIGNS.items() if len(codes & of_sign) == 1}
    if len(codes - shared) > 1:
        examples = "; ".join(
            f"row {row}: {content} ({rows:,} rows)" if rows > 1 else f"row {row}: {content}"
            for _, row, content, rows in found
        )
        raise CensusError(
            f"{name} ({column}) has amounts in several currencies, which cannot be added up: "
            f"{examples}. Convert them to one currency in the file"
        )


def _with_units(connection: duckdb.DuckDBPyConnection, column: str, name: str) -> list[str]:
    ((rows, row, content, cents),) = connection.execute(
        f"""
        select sum(rows), min(first_row), min_by(content, first_row), min_by(cents, first_row)
        from temp.census_amounts_{column}
        where has_unit and cents is not null
        """  # noqa: S608 - own names
    ).fetchall()
    if not rows:
        return []
    amounts = "row has an amount" if rows == 1 else "rows have amounts"
    return [f"{name}: {rows:,} {amounts} in thousands or millions: row {row}, {content} is {cents}"]


def _separator(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    column: str,
    name: str,
    mapping: CensusMapping,
) -> AmountFormat:
    if mapping.decimal_separator is not None:
        return AmountFormat(mapping.decimal_separator, [])
    ((point, grouping_comma, comma, grouping_point, ungrouped, either_point, either_comma),) = (
        connection.execute(_EVIDENCE.format(table=f"census_amounts_{column}")).fetchall()
    )
    shows_point, shows_comma = point + grouping_comma, comma + grouping_point
    if shows_comma and not shows_point:
        return AmountFormat(",", [f"{name}: a comma precedes the decimals"])
    if shows_point and not shows_comma:
        return AmountFormat(".", [])
    if not either_point and not either_comma:
        both = f"{name}: some amounts have a point before the decimals, some a comma"
        return AmountFormat(".", [both] if shows_point else [])
    if shows_point or (either_point and (either_comma or ungrouped)):
        raise CensusError(_two_readings(connection, scenario_id, column, name))
    if either_point:
        return AmountFormat(",", [f"{name}: the points separate thousands, as in 56.000"])
    return AmountFormat(".", [])


def _two_readings(
    connection: duckdb.DuckDBPyConnection, scenario_id: str, column: str, name: str
) -> str:
    rows = connection.execute(
        f"""
        select row_number, content, with_point, with_comma
        from temp.census_amounts_{column}
        inner join raw.census on written = {column} and scenario_id = ?
        where with_point <> with_comma
        order by row_number
        limit 5
        """,  # noqa: S608 - own names
        [scenario_id],
    ).fetchall()
    examples = "; ".join(
        f"row {number}: {content} is {point} or {comma}" for number, content, point, comma in rows
    )
    return (
        f"{name} ({column}) has amounts that can be read in two ways, and nothing in the file "
        f"shows which is right: {examples}. State `decimal_separator: '.'` or "
        "`decimal_separator: ','` in a mapping"
    )
