"""Judges each row of `raw.census` once its values have been read."""

from dataclasses import dataclass
from datetime import date
from math import inf

import duckdb

from simulation.census.columns.mapping import DATE_FIELDS, CensusError, CensusField, CensusMapping
from simulation.census.columns.words import FOOTNOTE, TOTALS_ROW, WORDS_OF_A_NOTE
from simulation.census.judgement.findings import Finding
from simulation.census.judgement.rules import JUDGE
from simulation.census.values.amounts import parse_amounts
from simulation.census.values.dates import parse_dates
from simulation.census.values.pay_basis import find_pay_bases
from simulation.census.values.statuses import find_statuses

# Of fewer rows, one without an id may well have as much pay as all others.
_LEAST_SUMMED_UP = 3
_PAY_OF_PEOPLE = """
select max(amounts.amount)::double, sum(amounts.amount::double), count(*)
from raw.census
inner join temp.census_amounts_annual_compensation as amounts
    on annual_compensation = amounts.written
where scenario_id = $scenario_id
    and amounts.amount > 0
    and amounts.cents is not null  -- a pay beyond 14 digits is rejected, and adds to no total
    and census_text(employee_id) is not null
    and not regexp_matches(employee_id, $totals_row, 'i')
"""

_NOTHING = "^$"

# The last row with a hire date and pay ends the table.
_LAST_ROW = """
select
    coalesce(max(row_number) filter (hire_date <> '' and annual_compensation <> ''), 0),
    max(row_number)
from raw.census
where scenario_id = ?
"""
_HAS_LONG_IDS = """
select count(*) > 0
from raw.census
where scenario_id = ? and row_number <= ? and regexp_matches(employee_id, ?)
"""

# An fte column has shares of one, or percentages.
_LARGEST_SHARE = 2
_SHARES = """
select coalesce(max(amount), 0)::double, count(*) filter (amount not in (1, 100))
from temp.census_amounts_fte
"""


@dataclass(frozen=True)
class _File:
    """What `raw.census_file` has of a scenario's census."""

    date_formats: dict[CensusField, str | None]
    mapping: CensusMapping
    columns: dict[CensusField, str]
    assumptions: list[str]


def judge_rows(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    opening_date: date,
    day_before_start: date,
    top_level: int,
    lowest_pay: float,
) -> list[Finding]:
    """Create `temp.census_verdicts`, and return in sentences how the values were read.

    `lowest_pay` is where the lowest pay band starts. The other arguments and the errors are those
    of :func:`simulation.census.judgement.validation.validate_census`.
    """
    file = _file(connection, scenario_id)
    mapping, columns = file.mapping, file.columns
    dates = parse_dates(
        connection,
        scenario_id=scenario_id,
        mapping=mapping,
        stated=file.date_formats,
        columns=columns,
        opening_date=opening_date,
    )
    pay = parse_amounts(
        connection,
        scenario_id=scenario_id,
        column="annual_compensation",
        name=columns["annual_compensation"],
        mapping=mapping,
    )
    shares = parse_amounts(
        connection,
        scenario_id=scenario_id,
        column="fte",
        name=columns.get("fte", "fte"),
        mapping=mapping,
    )
    bases = find_pay_bases(
        connection,
        scenario_id=scenario_id,
        mapping=mapping,
        columns=columns,
        lowest_pay=lowest_pay,
    )
    statuses = find_statuses(connection, scenario_id=scenario_id, mapping=mapping, columns=columns)
    most_pay, pay_in_all = _totals(connection, scenario_id)
    last_row, words_of_a_note = _end_of_table(connection, scenario_id)
    ((largest_share, part_time),) = connection.execute(_SHARES).fetchall()
    fte_unit = 100 if largest_share > _LARGEST_SHARE else 1
    connection.execute(
        JUDGE,
        {
            "scenario_id": scenario_id,
            "opening_date": opening_date,
            "day_before_start": day_before_start,
            "top_level": top_level,
            "basis": bases.otherwise,
            "bases": list(bases.factors),
            "factors": list(bases.factors.values()),
            "at_full_time": mapping.pay_at_full_time,
            "fte_unit": fte_unit,
            "most_pay": most_pay,
            "pay_in_all": pay_in_all,
            "totals_row": TOTALS_ROW,
            "last_row": last_row,
            "footnote": FOOTNOTE,
            "words_of_a_note": words_of_a_note,
            "id_name": columns["employee_id"],
            "hire_name": columns["hire_date"],
        },
    )
    return [
        *(Finding("assumed", sentence) for sentence in file.assumptions),
        *(
            Finding("formats", f"{columns[field]}: {' and '.join(dates[field].formats)}")
            for field in DATE_FIELDS
            if field in columns and dates[field].formats
        ),
        *(
            Finding("assumed", sentence)
            for sentence in [
                *(note for field in DATE_FIELDS for note in dates[field].assumptions),
                *pay.assumptions,
                *shares.assumptions,
                *bases.assumptions,
                *statuses,
                *_on_full_time(columns, mapping, part_time),
            ]
        ),
    ]


def _totals(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> tuple[float, float]:
    """Return the largest and the total pay of rows with an id.

    A row without an id or a hire date may sum them up.
    """
    ((may_be_sums,),) = connection.execute(
        "select count(*) filter (cells is not null or census_text(hire_date) is null) "
        "from raw.census where scenario_id = ?",
        [scenario_id],
    ).fetchall()
    if not may_be_sums:
        return inf, inf
    ((most, in_all, people),) = connection.execute(
        _PAY_OF_PEOPLE, {"scenario_id": scenario_id, "totals_row": TOTALS_ROW}
    ).fetchall()
    return (most, in_all) if people >= _LEAST_SUMMED_UP else (inf, inf)


def _end_of_table(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> tuple[int, str]:
    """Return the last row of a person, and the pattern of a note without a mark below it.

    Where ids have several words, as names have, no number of words makes a note.
    """
    ((last_row, rows),) = connection.execute(_LAST_ROW, [scenario_id]).fetchall()
    if rows > last_row:
        ((has_long_ids,),) = connection.execute(
            _HAS_LONG_IDS, [scenario_id, last_row, WORDS_OF_A_NOTE]
        ).fetchall()
        if not has_long_ids:
            return last_row, WORDS_OF_A_NOTE
    return last_row, _NOTHING


def _on_full_time(
    columns: dict[CensusField, str], mapping: CensusMapping, part_time: int
) -> list[str]:
    if not part_time or "fte" not in columns:
        return []
    if mapping.pay_at_full_time:
        return [f"pay is that of full time and multiplied by {columns['fte']}"]
    return [
        (
            f"pay is taken as paid, part time or not: {columns['fte']} is not multiplied by "
            "(`pay_at_full_time: true` in a mapping does)"
        )
    ]


def _file(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> _File:
    row = connection.execute(
        """
        select hire_date_format, birth_date_format, termination_date_format,
            settings, columns, assumptions
        from raw.census_file
        where scenario_id = ?
        """,
        [scenario_id],
    ).fetchone()
    if row is None:
        raise CensusError(f"no census has been read for the scenario {scenario_id!r}")
    hire, birth, termination, settings, columns, assumptions = row
    return _File(
        date_formats={
            "hire_date": hire,
            "birth_date": birth,
            "termination_date": termination,
        },
        mapping=CensusMapping.model_validate_json(settings),
        columns=columns,
        assumptions=assumptions,
    )
