"""The queries of the report; the columns of each match the fields of a record in figures.py."""

_YEARS = """
select
    summary.simulation_year as year,
    summary.fingerprint,
    summary.start_headcount,
    summary.hires,
    summary.experienced_terminations,
    summary.reductions_in_force,
    summary.new_hire_terminations,
    summary.total_turnover,
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
    growth.continuous_employee_growth::double as continuous_employee_growth,
    {end_fte} as end_fte
from marts.fct_year_summary as summary
inner join marts.fct_compensation_growth as growth
    on
        summary.scenario_id = growth.scenario_id
        and summary.simulation_year = growth.simulation_year
where summary.scenario_id = $scenario_id
order by summary.simulation_year
"""

# Within a cell of age, tenure and level everyone has the same chance to leave in a year, so the
# variance of a band is the sum of those of its cells. A band in which nobody was stays.
EXPERIENCE = """
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

    union all

    select 0, 0, 0, 'tenure', tenure_band, min_tenure
    from staging.stg_tenure_bands

    union all

    select 0, 0, 0, 'age', age_band, min_age
    from staging.stg_age_bands

    union all

    select 0, 0, 0, 'level', level_name, level
    from staging.stg_job_levels
)

select
    dimension,
    band,
    sum(exposed)::bigint as exposed,
    sum(observed)::bigint as observed,
    sum(expected) as expected,
    coalesce(
        sqrt(greatest(sum(expected * (1 - expected / exposed)) filter (exposed > 0), 0)), 0
    ) as standard_error
from cells
group by dimension, band, position
order by dimension, position, band
"""

DEPARTMENTS = """
select
    simulation_year as year,
    coalesce(department, 'Not stated') as department,
    count(*) filter (employment_status = 'active') as headcount,
    count(*) filter (employment_status = 'terminated') as leavers,
    coalesce(sum(annual_compensation) filter (employment_status = 'active'), 0)::double as payroll
from marts.fct_workforce_snapshot
where scenario_id = $scenario_id
group by simulation_year, coalesce(department, 'Not stated')
order by simulation_year, headcount desc, department
"""

LEVELS = """
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

CENSUS = """
select
    census_name as name,
    rows_read,
    rows_accepted,
    rows_rejected,
    rows_left_before_start,
    rows_without_birth_date,
    rows_without_level,
    coalesce(rows_set_aside, 0) as rows_set_aside,
    reject_share_limit::double as reject_share_limit
from raw.census_data_validation
where scenario_id = $scenario_id
"""

FINDINGS = """
select
    topic,
    is_warning,
    sentence
from raw.census_findings
where scenario_id = $scenario_id
order by position
"""

REJECTS = """
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

QUALITY = """
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

# A report that is rewritten after another scenario has run still shows the last run of its own
# scenario.
TIMINGS = """
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

CONFIGURATIONS = """
select
    fingerprint,
    max_by(configuration, recorded_at) as document
from raw.simulation_configurations
where list_contains($fingerprints, fingerprint)
group by fingerprint
"""

SCENARIOS = """
select distinct scenario_id
from marts.fct_year_summary
order by scenario_id
"""


def years(*, has_fte: bool) -> str:
    """Return the query of the years, from a warehouse with or without full-time equivalents."""
    return _YEARS.format(end_fte="summary.end_fte::double" if has_fte else "null::double")
