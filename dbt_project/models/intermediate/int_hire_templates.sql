-- The employees of the census that hires are modelled on: the recent joiners, or everybody where
-- they are too few. It is the census and not the workforce of the year, so that a hire is the same
-- person in every scenario.
with baseline as (
    select
        baseline.employee_id,
        baseline.level,
        baseline.department,
        baseline.annual_compensation,
        parameters.minimum_recent_joiners,
        baseline.hire_date
        >= parameters.first_day - to_years(parameters.recent_joiner_years) as is_recent
    from {{ ref('int_baseline_workforce') }} as baseline
    cross join {{ ref('stg_simulation_run') }} as run
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            run.fingerprint = parameters.fingerprint
            and run.start_year = parameters.simulation_year
),

recent as (
    select count(*) as joiners
    from baseline
    where is_recent
)

select
    row_number() over (order by baseline.employee_id) - 1 as position,
    baseline.level,
    baseline.department,
    baseline.annual_compensation,
    recent.joiners >= baseline.minimum_recent_joiners as is_recent_joiner,
    baseline.minimum_recent_joiners
from baseline
cross join recent
where baseline.is_recent or recent.joiners < baseline.minimum_recent_joiners
