"""Validates the rows of `raw.census`, and publishes the good ones as the opening workforce."""

from dataclasses import dataclass
from datetime import date

import duckdb

from shared_lib.warehouse import transaction
from simulation.census.mapping import CensusError
from simulation.census.rules import JUDGE, MACROS, REASONS

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
where reject is null
"""

_KEEP_COUNTS = """
insert into raw.census_data_validation by name
select
    $scenario_id as scenario_id,
    $census_name as census_name,
    count(*) as rows_read,
    count(*) filter (reject is null and left_on is null) as rows_accepted,
    count(*) filter (reject is not null) as rows_rejected,
    count(*) filter (reject is null and left_on is not null) as rows_left_before_start,
    count(*) filter (reject is null and left_on is null and born_on is null)
        as rows_without_birth_date,
    count(*) filter (reject is null and left_on is null and level_number is null)
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
    annual_compensation
from raw.census_accepted
where scenario_id = ? and termination_date is null
order by employee_id
"""


@dataclass(frozen=True)
class CensusVerdict:
    """The outcome of validating a census; the first three counts below add up to `rows_read`.

    `rows_accepted` enter the opening workforce, `rows_rejected` are excluded for the `reasons`
    counted, and `rows_left_before_start` are good but left on or before the opening date. The
    two `rows_without_` counts are among the accepted.
    """

    census_name: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_before_start: int
    rows_without_birth_date: int
    rows_without_level: int
    reject_share_limit: float
    reasons: dict[str, int]

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
) -> CensusVerdict:
    """Validate every row of the scenario's census, as at `opening_date`.

    That is 31 December before the first simulated year. The good rows replace the scenario's rows
    in `raw.census_accepted`. The others replace those in `raw.census_rejects`, each with the first
    of `REASONS` that applies. The counts replace its row in `raw.census_data_validation`. Levels
    run from 1 to `top_level`. The limit (0 to 1) only enters the verdict: the caller decides.

    Raises:
        CensusError: no census has been read for the scenario.
    """
    formats = _date_formats(connection, scenario_id)
    scenario = {"scenario_id": scenario_id}
    limit = {"census_name": census_name, "reject_share_limit": reject_share_limit}
    with transaction(connection):
        connection.execute(MACROS)
        connection.execute(
            JUDGE,
            scenario | formats | {"opening_date": opening_date, "top_level": top_level},
        )
        connection.execute("delete from raw.census_rejects where scenario_id = ?", [scenario_id])
        connection.execute(_KEEP_REJECTS, scenario)
        connection.execute("delete from raw.census_accepted where scenario_id = ?", [scenario_id])
        connection.execute(_KEEP_ACCEPTED, scenario)
        connection.execute(
            "delete from raw.census_data_validation where scenario_id = ?", [scenario_id]
        )
        connection.execute(_KEEP_COUNTS, scenario | limit)
        connection.execute("drop table temp.census_verdicts")
    return read_verdict(connection, scenario_id)


def _date_formats(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> dict[str, str]:
    """Return how the dates of the scenario's census are written, under the rules' names."""
    names = ("hire_date_format", "birth_date_format", "termination_date_format")
    formats = connection.execute(
        """
        select hire_date_format, birth_date_format, termination_date_format
        from raw.census_file
        where scenario_id = ?
        """,
        [scenario_id],
    ).fetchone()
    if formats is None:
        raise CensusError(f"no census has been read for the scenario {scenario_id!r}")
    return dict(zip(names, formats, strict=True))


def read_verdict(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> CensusVerdict:
    """Return the stored verdict on the scenario's census.

    Raises:
        CensusError: the scenario's census has not been validated.
    """
    counts = connection.execute(
        "select census_name, rows_read, rows_accepted, rows_rejected, rows_left_before_start, "
        "rows_without_birth_date, rows_without_level, reject_share_limit "
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
    return CensusVerdict(
        *counts, reasons=dict(sorted(reasons, key=lambda one: REASONS.index(one[0])))
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
