"""Validates the rows of `raw.census`, and publishes the good ones as the opening workforce."""

from dataclasses import dataclass
from datetime import date
from math import inf

import duckdb

from shared_lib.warehouse import transaction
from simulation.census.amounts import parse_amounts
from simulation.census.dates import parse_dates
from simulation.census.findings import Finding, record_findings
from simulation.census.levels import PayBands, pay_bands
from simulation.census.mapping import DATE_FIELDS, CensusError, CensusField, CensusMapping
from simulation.census.pay_basis import find_pay_bases
from simulation.census.rules import APPLY_SEVERAL_ROWS, ASIDE, JUDGE, MACROS, REASONS, SEVERAL_ROWS
from simulation.census.statuses import find_statuses
from simulation.census.words import TOTALS_ROW

_KEEP_REJECTS = """
insert into raw.census_rejects by name
select
    $scenario_id as scenario_id,
    row_number,
    employee_id,
    reject.reason,
    reject.field,
    reject.value
from temp.census_verdicts
where reject is not null
order by row_number
"""

_KEEP_ACCEPTED = """
insert into raw.census_accepted by name
select
    $scenario_id as scenario_id,
    row_number,
    employee_id,
    born_on as birth_date,
    hired_on as hire_date,
    level_number as level,
    department,
    pay as annual_compensation,
    left_on as termination_date
from temp.census_verdicts
where reject is null and aside is null
"""

_KEEP_ASIDE = """
insert into raw.census_set_aside by name
select
    $scenario_id as scenario_id,
    row_number,
    employee_id,
    aside as reason,
    detail
from temp.census_verdicts
where aside is not null and reject is null
order by row_number
"""

_KEEP_COUNTS = """
insert into raw.census_data_validation by name
select
    $scenario_id as scenario_id,
    $census_name as census_name,
    count(*) as rows_read,
    count(*) filter (reject is null and aside is null) as rows_accepted,
    count(*) filter (reject is not null) as rows_rejected,
    count(*) filter (reject is null and aside = 'left_before_start') as rows_left_before_start,
    count(*) filter (reject is null and aside <> 'left_before_start') as rows_set_aside,
    count(*) filter (reject is null and aside is null and left_on is not null)
        as rows_leaving_later,
    count(*) filter (reject is null and aside is null and born_on is null)
        as rows_without_birth_date,
    count(*) filter (reject is null and aside is null and level_number is null)
        as rows_without_level,
    $reject_share_limit as reject_share_limit
from temp.census_verdicts
"""

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

# An fte column has shares of one, or percentages.
_LARGEST_SHARE = 2
_SHARES = """
select coalesce(max(amount), 0)::double, count(*) filter (amount not in (1, 100))
from temp.census_amounts_fte
"""

_PUBLISH = """
insert into raw.baseline_workforce_validated by name
select
    scenario_id,
    employee_id,
    birth_date,
    hire_date,
    level,
    department,
    annual_compensation,
    termination_date
from raw.census_accepted
where scenario_id = ?
order by employee_id
"""


@dataclass(frozen=True)
class CensusVerdict:
    """The outcome of validating a census; the first four counts below add up to `rows_read`.

    `rows_accepted` enter the opening workforce, `rows_rejected` are excluded for the `reasons`
    counted, `rows_left_before_start` are good but left on or before the opening date, and
    `rows_set_aside` are no such person, as `set_aside` counts them. The two `rows_without_` counts
    and `rows_leaving_later`, who have a termination date after the opening date, are among the
    accepted.
    """

    census_name: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_before_start: int
    rows_without_birth_date: int
    rows_without_level: int
    reject_share_limit: float
    rows_set_aside: int
    rows_leaving_later: int
    reasons: dict[str, int]
    set_aside: dict[str, int]

    @property
    def reject_share(self) -> float:
        """Return the share of the rows read that was rejected, from 0 to 1."""
        return self.rows_rejected / self.rows_read

    @property
    def within_limit(self) -> bool:
        """Return whether the share of rejects is within its limit."""
        return self.reject_share <= self.reject_share_limit


def validate_census(
    connection: duckdb.DuckDBPyConnection,
    *,
    scenario_id: str,
    census_name: str,
    opening_date: date,
    top_level: int,
    reject_share_limit: float,
    sums_positions: bool = True,
    hire_pay_percentile: float = 0.5,
    bands: PayBands | None = None,
    day_before_start: date | None = None,
) -> CensusVerdict:
    """Validate every row of the scenario's census, as at `opening_date`.

    Who leaves by `day_before_start`, the day before the first simulated year and by default the
    opening date, has left before the start. The good rows replace the scenario's rows
    in `raw.census_accepted`. The others replace those in `raw.census_rejects`, each with the first
    of `REASONS` that applies; those that are no person employed on that date are in
    `raw.census_set_aside`. The counts replace its row in `raw.census_data_validation`, and
    sentences on what was assumed and found those in `raw.census_findings`. Levels run from 1 to
    `top_level`. Of a person with several positions, the pay is added up if `sums_positions`, else
    that of the best paid one counts. `hire_pay_percentile` is where in their bands hires are paid,
    to compare with recent joiners; `bands` are those of the seed if they are left out. The limit (0
    to 1) only enters the verdict: the caller decides.

    Raises:
        CensusError: no census has been read for the scenario, or its values can be read in two
            ways: dates, amounts, statuses, or pay that is not annual.
    """
    file = _file(connection, scenario_id)
    scenario = {"scenario_id": scenario_id}
    bands = bands or pay_bands()
    limit = {"census_name": census_name, "reject_share_limit": reject_share_limit}
    with transaction(connection):
        connection.execute(MACROS)
        found = _judge(
            connection,
            scenario_id,
            file,
            opening_date=opening_date,
            day_before_start=day_before_start or opening_date,
            top_level=top_level,
            lowest_pay=min(low for low, _ in bands.values()),
        )
        connection.execute(SEVERAL_ROWS, {"sums_positions": sums_positions})
        connection.execute(APPLY_SEVERAL_ROWS)
        for table, statement, values in (
            ("census_rejects", _KEEP_REJECTS, scenario),
            ("census_set_aside", _KEEP_ASIDE, scenario),
            ("census_accepted", _KEEP_ACCEPTED, scenario),
            ("census_data_validation", _KEEP_COUNTS, scenario | limit),
        ):
            connection.execute(
                f"delete from raw.{table} where scenario_id = ?",  # noqa: S608 - own names
                [scenario_id],
            )
            connection.execute(statement, values)
        record_findings(
            connection,
            scenario_id=scenario_id,
            opening_date=opening_date,
            hire_pay_percentile=hire_pay_percentile,
            bands=bands,
            found=found,
        )
        connection.execute("drop table temp.census_verdicts; drop table temp.census_several")
    return read_verdict(connection, scenario_id)


@dataclass(frozen=True)
class _File:
    """What `raw.census_file` has of a scenario's census."""

    date_formats: dict[CensusField, str | None]
    mapping: CensusMapping
    columns: dict[CensusField, str]
    assumptions: list[str]


def _judge(
    connection: duckdb.DuckDBPyConnection,
    scenario_id: str,
    file: _File,
    *,
    opening_date: date,
    day_before_start: date,
    top_level: int,
    lowest_pay: float,
) -> list[Finding]:
    """Create `temp.census_verdicts`, and return in sentences how the values were read."""
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
    """Return the largest and the total pay of rows with an id: a row without may sum them up."""
    ((rows_without_id,),) = connection.execute(
        "select count(cells) from raw.census where scenario_id = ?", [scenario_id]
    ).fetchall()
    if not rows_without_id:
        return inf, inf
    ((most, in_all, people),) = connection.execute(
        _PAY_OF_PEOPLE, {"scenario_id": scenario_id, "totals_row": TOTALS_ROW}
    ).fetchall()
    return (most, in_all) if people >= _LEAST_SUMMED_UP else (inf, inf)


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


def read_verdict(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> CensusVerdict:
    """Return the stored verdict on the scenario's census.

    Raises:
        CensusError: the scenario's census has not been validated.
    """
    counts = connection.execute(
        "select census_name, rows_read, rows_accepted, rows_rejected, rows_left_before_start, "
        "rows_without_birth_date, rows_without_level, reject_share_limit, rows_set_aside, "
        "rows_leaving_later "
        "from raw.census_data_validation where scenario_id = ?",
        [scenario_id],
    ).fetchone()
    if counts is None:
        raise CensusError(f"the census of the scenario {scenario_id!r} has not been validated")
    reasons = connection.execute(
        """
        select reason, count(*)
        from raw.census_rejects
        where scenario_id = ?
        group by reason
        """,
        [scenario_id],
    ).fetchall()
    set_aside = connection.execute(
        """
        select reason, count(*)
        from raw.census_set_aside
        where scenario_id = ? and reason <> 'left_before_start'
        group by reason
        """,
        [scenario_id],
    ).fetchall()
    return CensusVerdict(
        *counts,
        reasons=dict(sorted(reasons, key=lambda one: REASONS.index(one[0]))),
        set_aside=dict(sorted(set_aside, key=lambda one: list(ASIDE).index(one[0]))),
    )


def publish_baseline(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> int:
    """Replace the scenario's rows of `raw.baseline_workforce_validated` with its accepted rows.

    Employees who left by the opening date are excluded. Returns the number of employees.

    Raises:
        CensusError: nobody remains; the previous rows are kept.
    """
    with transaction(connection):
        connection.execute(
            "delete from raw.baseline_workforce_validated where scenario_id = ?", [scenario_id]
        )
        connection.execute(_PUBLISH, [scenario_id])
        ((employees,),) = connection.execute(
            "select count(*) from raw.baseline_workforce_validated where scenario_id = ?",
            [scenario_id],
        ).fetchall()
        if not employees:
            raise CensusError(
                f"nobody of the census of the scenario {scenario_id!r} is employed on the opening "
                "date; raw.census_rejects has the reason for each row"
            )
    return employees
