-- The employees of the census that hires are modelled on: the recent joiners, or everybody where
-- they are too few, of a department or job family with a target of its own apart from the others.
-- It is the census and not the workforce of the year, so that a hire is the same person in every
-- scenario.
with baseline as (
    select
        baseline.employee_id,
        baseline.level,
        baseline.department,
        baseline.job_family,
        baseline.annual_compensation,
        baseline.fte,
        parameters.minimum_recent_joiners,
        baseline.hire_date
        >= parameters.first_day - to_years(parameters.recent_joiner_years) as is_recent,
        -- their places in that list, and 0 for all others
        {{ growth_group('parameters', 'baseline.department', 'baseline.job_family') }}
            as department_group,
        parameters.growth_job_families is not null as grows_by_job_family
    from {{ ref('int_baseline_workforce') }} as baseline
    cross join {{ ref('stg_simulation_run') }} as run
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            run.fingerprint = parameters.fingerprint
            and run.start_year = parameters.simulation_year
),

departments as (
    select
        row_key as department,
        rate::decimal(12, 6) as factor
    from {{ ref('stg_scenario_rates') }}
    where table_name = 'hiring_by_department'
),

-- Each with a row of its own for a department, or with `*` for the others.
families as (
    select
        split_part(row_key, chr(31), 1) as job_family,
        split_part(row_key, chr(31), 2) as department,
        rate::decimal(12, 6) as factor
    from {{ ref('stg_scenario_rates') }}
    where table_name = 'hiring_by_job_family'
),

recent as (
    select
        department_group,
        count(*) filter (where is_recent) as joiners
    from baseline
    group by department_group
),

templates as (
    select
        baseline.employee_id,
        baseline.level,
        baseline.department,
        baseline.annual_compensation,
        recent.joiners >= baseline.minimum_recent_joiners as is_recent_joiner,
        baseline.minimum_recent_joiners,
        baseline.department_group,
        baseline.grows_by_job_family,
        -- decimals, whose sums do not depend on the order in which threads add
        coalesce(departments.factor, 1) as weight,
        baseline.job_family,
        coalesce(in_department.factor, in_others.factor, 1)::decimal(12, 6) as job_family_weight,
        baseline.fte
    from baseline
    inner join recent
        on baseline.department_group = recent.department_group
    left join departments
        on baseline.department = departments.department
    left join families as in_department
        on
            baseline.job_family = in_department.job_family
            and baseline.department = in_department.department
    left join families as in_others
        on baseline.job_family = in_others.job_family and in_others.department = '*'
    where baseline.is_recent or recent.joiners < baseline.minimum_recent_joiners
)

select
    department_group,
    (sum(weight) over (partition by department_group order by employee_id) - weight)
    / sum(weight) over (partition by department_group) as share_from,
    sum(weight) over (partition by department_group order by employee_id)
    / sum(weight) over (partition by department_group) as share_to,
    level,
    department,
    annual_compensation,
    is_recent_joiner,
    minimum_recent_joiners,
    job_family,
    job_family_weight,
    -- hires of a family that grows by itself are in no other one
    if(grows_by_job_family, department_group, null) as family_group,
    fte
from templates
