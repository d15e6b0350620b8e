"""What the report says, read from the marts of one scenario."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import duckdb

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Year:
    """One simulated year: how headcount and payroll moved. Amounts in USD, rates as ratios."""

    year: int
    fingerprint: str
    start_headcount: int
    hires: int
    experienced_terminations: int
    reductions_in_force: int
    new_hire_terminations: int
    promotions: int
    end_headcount: int
    target_headcount: int
    growth_rate: float | None
    target_growth_rate: float
    start_payroll: float
    payroll_from_hires: float
    payroll_from_promotions: float
    payroll_from_raises: float
    payroll_from_leavers: float
    end_payroll: float
    paid_compensation: float
    end_average_compensation: float | None
    average_compensation_growth: float | None
    continuous_employee_growth: float | None

    @property
    def terminations(self) -> int:
        """Everyone who left in the year, for whatever reason."""
        return (
            self.experienced_terminations + self.reductions_in_force + self.new_hire_terminations
        )


@dataclass(frozen=True, slots=True)
class TerminationExperience:
    """Terminations of one band over all years, beside what the hazards let expect."""

    dimension: str
    band: str
    exposed: int
    observed: int
    expected: float
    standard_error: float


@dataclass(frozen=True, slots=True)
class LevelHeadcount:
    """The actives of one level at the end of one year; `share` is a ratio of all actives."""

    year: int
    level: int
    level_name: str
    headcount: int
    share: float


@dataclass(frozen=True, slots=True)
class Census:
    """What became of the rows of the census."""

    name: str
    rows_read: int
    rows_accepted: int
    rows_rejected: int
    rows_left_before_start: int
    rows_without_birth_date: int
    rows_without_level: int
    reject_share_limit: float


@dataclass(frozen=True, slots=True)
class RejectReason:
    """Rejected census rows of one reason, with the first three of them."""

    reason: str
    field: str | None
    rows: int
    row_numbers: list[int]
    values: list[str | None]


@dataclass(frozen=True, slots=True)
class QualityCheck:
    """One quality check over the census or all years; the value is the one nearest failing."""

    check_name: str
    dimension: str
    measurements: int
    is_of_years: bool
    value: float | None
    threshold: float | None
    failures: int
    failed_years: list[int]


@dataclass(frozen=True, slots=True)
class Timing:
    """What Dagster or dbt recorded of one step of the run, in seconds and rows."""

    run_id: str
    recorded_at: datetime
    scope: str
    name: str
    outcome: str
    seconds: float | None
    row_count: int | None
    rows_per_second: float | None
    seconds_limit: float | None
    status: str


@dataclass(frozen=True, slots=True)
class Configuration:
    """The configuration of a fingerprint as JSON text, and the years that came from it."""

    fingerprint: str
    first_year: int
    last_year: int
    document: str | None


@dataclass(frozen=True, slots=True)
class Figures:
    """Everything that the report of one scenario says."""

    scenario_id: str
    years: list[Year]
    experience: list[TerminationExperience]
    levels: list[LevelHeadcount]
    census: Census | None
    rejects: list[RejectReason]
    quality: list[QualityCheck]
    timings: list[Timing]
    configurations: list[Configuration]


_YEARS = """
select
    summary.simulation_year as year,
    summary.fingerprint,
    summary.start_headcount,
    summary.hires,
    summary.experienced_terminations,
    summary.reductions_in_force,
    summary.new_hire_terminations,
    summary.promotions,
    summary.end_headcount,
    summary.target_headcount,
    summary.growth_rate::double as growth_rate,
    summary.target_growth_rate::double as target_growth_rate,
    summary.start_payroll::double as start_payroll,
    growth.payroll_from_hires::double as payroll_from_hires,
    growth.payroll_from_promotions::double as payroll_from_promotions,
    growth.payroll_from_raises::double as payroll_from_raises,
    growth.payroll_from_leavers::double as payroll_from_leavers,
    summary.end_payroll::double as end_payroll,
    summary.paid_compensation::double as paid_compensation,
    growth.end_average_compensation::double as end_average_compensation,
    growth.average_compensation_growth::double as average_compensation_growth,
    growth.continuous_employee_growth::double as continuous_employee_growth
from marts.fct_year_summary as summary
inner join marts.fct_compensation_growth as growth
    on
        summary.scenario_id = growth.scenario_id
        and summary.simulation_year = growth.simulation_year
where summary.scenario_id = $scenario_id
order by summary.simulation_year
"""

# Within a cell of age, tenure and level everyone has the same chance to leave in a year, so the
# variance of a band is the sum of those of its cells.
_EXPERIENCE = """
with cells as (
    select
        experience.exposed,
        experience.observed,
        coalesce(experience.expected, 0) as expected,
        unnest(['tenure', 'age', 'level']) as dimension,
        unnest([
            experience.tenure_band,
            experience.age_band,
            coalesce(levels.level_name, 'Level ' || experience.level)
        ]) as band,
        unnest([tenure.min_tenure, age.min_age, experience.level]) as position
    from marts.fct_termination_experience as experience
    left join staging.stg_tenure_bands as tenure
        on experience.tenure_band = tenure.tenure_band
    left join staging.stg_age_bands as age
        on experience.age_band = age.age_band
    left join staging.stg_job_levels as levels
        on experience.level = levels.level
    where experience.scenario_id = $scenario_id
)

select
    dimension,
    band,
    sum(exposed)::bigint as exposed,
    sum(observed)::bigint as observed,
    sum(expected) as expected,
    sqrt(greatest(sum(expected * (1 - expected / exposed)), 0)) as standard_error
from cells
group by dimension, band, position
order by dimension, position, band
"""

_LEVELS = """
select
    simulation_year as year,
    level,
    level_name,
    headcount,
    share::double as share
from marts.fct_level_mix
where scenario_id = $scenario_id
order by simulation_year, level
"""

_CENSUS = """
select
    census_name as name,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_left_before_start,
    rows_without_birth_date,
    rows_without_level,
    reject_share_limit::double as reject_share_limit
from raw.census_data_validation
where scenario_id = $scenario_id
"""

_REJECTS = """
select
    reason,
    field,
    count(*) as rows,
    list("row_number" order by "row_number")[:3] as row_numbers,
    list(value::varchar order by "row_number")[:3] as values
from raw.census_rejects
where scenario_id = $scenario_id
group by reason, field
order by rows desc, reason, field
"""

_QUALITY = """
select
    check_name,
    dimension,
    count(*) as measurements,
    count(simulation_year) > 0 as is_of_years,
    max_by(value, value - threshold) as value,
    max_by(threshold, value - threshold) as threshold,
    count(*) filter (where status <> 'pass') as failures,
    coalesce(
        list(simulation_year order by simulation_year)
            filter (where status <> 'pass' and simulation_year is not null),
        []
    ) as failed_years
from monitoring.mon_data_quality
where scenario_id = $scenario_id
group by check_name, dimension
order by failures > 0 desc, is_of_years, check_name
"""

# A report that is written again later, when another scenario has run since, shows the last run
# of its own.
_TIMINGS = """
with recorded as (
    select * from monitoring.mon_pipeline_performance
    where scenario_id = $scenario_id
),

reported_run as (
    select coalesce(
        (select max(run_id) from raw.simulation_run where scenario_id = $scenario_id),
        (select max_by(run_id, recorded_at) from recorded)
    ) as run_id
)

select
    recorded.run_id,
    recorded.recorded_at,
    recorded.scope,
    recorded.name,
    recorded.outcome,
    recorded.seconds,
    recorded.row_count,
    recorded.rows_per_second,
    recorded.seconds_limit,
    recorded.status
from recorded
inner join reported_run
    on recorded.run_id = reported_run.run_id
order by recorded.seconds desc nulls last, recorded.name
"""

_CONFIGURATIONS = """
select
    fingerprint,
    max_by(configuration, recorded_at) as document
from raw.simulation_configurations
where list_contains($fingerprints, fingerprint)
group by fingerprint
"""


def _read(
    connection: duckdb.DuckDBPyConnection,
    query: str,
    row_type: Callable[..., Row],
    scenario_id: str,
) -> list[Row]:
    """Return the rows of a query as records whose fields bear the names of its columns."""
    cursor = connection.execute(query, {"scenario_id": scenario_id})
    names = [column[0] for column in cursor.description or []]
    return [row_type(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def read_figures(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> Figures:
    """Read the results of one scenario.

    Args:
        connection: An open connection to the simulation's DuckDB file; it is only read.
        scenario_id: The scenario whose results are wanted.

    Raises:
        ValueError: The scenario has no results; the message names those that have.
    """
    years = _read(connection, _YEARS, Year, scenario_id)
    if not years:
        raise ValueError(_no_results(connection, scenario_id))
    census = _read(connection, _CENSUS, Census, scenario_id)
    return Figures(
        scenario_id=scenario_id,
        years=years,
        experience=_read(connection, _EXPERIENCE, TerminationExperience, scenario_id),
        levels=_read(connection, _LEVELS, LevelHeadcount, scenario_id),
        census=census[0] if census else None,
        rejects=_read(connection, _REJECTS, RejectReason, scenario_id),
        quality=_read(connection, _QUALITY, QualityCheck, scenario_id),
        timings=_read(connection, _TIMINGS, Timing, scenario_id),
        configurations=_configurations(connection, years),
    )


def _configurations(
    connection: duckdb.DuckDBPyConnection, years: list[Year]
) -> list[Configuration]:
    """Return the configuration of each stretch of years that came from the same one."""
    fingerprints = sorted({year.fingerprint for year in years})
    recorded = dict(
        connection.execute(_CONFIGURATIONS, {"fingerprints": fingerprints}).fetchall()
    )
    stretches = [
        (fingerprint, [year.year for year in stretch])
        for fingerprint, stretch in groupby(years, attrgetter("fingerprint"))
    ]
    return [
        Configuration(fingerprint, stretch[0], stretch[-1], recorded.get(fingerprint))
        for fingerprint, stretch in stretches
    ]


def _no_results(connection: duckdb.DuckDBPyConnection, scenario_id: str) -> str:
    present = connection.execute(
        "select distinct scenario_id from marts.fct_year_summary order by scenario_id"
    ).fetchall()
    names = ", ".join(repr(name) for (name,) in present)
    return (
        f"scenario {scenario_id!r} has no results in marts.fct_year_summary; scenarios with "
        f"results: {names or 'none, run the simulation first'}"
    )
