"""Validates the rows of `raw.census`, and publishes the good ones as the opening workforce."""

from datetime import date

import duckdb

from shared_lib.warehouse import transaction
from simulation.census.columns.mapping import CensusError
from simulation.census.judgement.findings import record_findings
from simulation.census.judgement.rows import judge_rows
from simulation.census.judgement.rules import APPLY_SEVERAL_ROWS, MACROS, SEVERAL_ROWS
from simulation.census.judgement.verdict import CensusVerdict, read_verdict
from simulation.census.levels import PayBands, pay_bands

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
    left_on as termination_date,
    job_family,
    fte_share as fte
from temp.census_verdicts
where reject is null and aside is null
order by row_number
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
    termination_date,
    job_family,
    fte
from raw.census_accepted
where scenario_id = ?
order by employee_id
"""


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
    scenario = {"scenario_id": scenario_id}
    bands = bands or pay_bands()
    limit = {"census_name": census_name, "reject_share_limit": reject_share_limit}
    with transaction(connection):
        connection.execute(MACROS)
        found = judge_rows(
            connection,
            scenario_id=scenario_id,
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
