{{ config(meta={"dagster": {"ref": {"name": "int_simulation_years"}}}) }}

-- The plan has every year of the run, starts from the baseline, each year from the target of
-- the one before, and its movements lead from the start to the target exactly. Where departments
-- or job families have targets of their own, movements follow in the ledger; the targets add up to
-- that of all.
with run as (
    select * from {{ ref('stg_simulation_run') }}
),

baseline as (
    select count(*) as headcount
    from {{ ref('int_baseline_workforce') }}
),

plan as (
    select
        years.simulation_year,
        years.start_headcount,
        years.target_headcount,
        years.experienced_terminations,
        years.reductions_in_force,
        years.hires,
        years.new_hire_terminations,
        coalesce(years.growth_departments, years.growth_job_families) as growth_units,
        years.department_targets,
        years.department_joiners,
        years.hire_pools,
        lag(years.target_headcount) over (order by years.simulation_year) as previous_target,
        count(*) over () as year_count
    from {{ ref('int_simulation_years') }} as years
),

known_joiners as (
    select
        simulation_year,
        count(*) as joiners
    from {{ ref('stg_known_events') }}
    where event = 'join'
    group by simulation_year
)

select plan.*
from run
cross join baseline
left join plan
    on plan.simulation_year between run.start_year and run.last_year
left join known_joiners
    on plan.simulation_year = known_joiners.simulation_year
where
    not coalesce(
        plan.year_count = run.last_year - run.start_year + 1
        and plan.start_headcount = coalesce(plan.previous_target, baseline.headcount)
        and plan.experienced_terminations between 0 and plan.start_headcount
        and if(
            plan.growth_units is null,
            plan.target_headcount = plan.start_headcount
            - plan.experienced_terminations
            - plan.reductions_in_force
            + plan.hires
            - plan.new_hire_terminations
            and plan.experienced_terminations + plan.reductions_in_force
            between 0 and plan.start_headcount
            and plan.new_hire_terminations between 0 and plan.hires
            -- nobody is hired whom reductions in force make room for, but those who are known to
            -- join
            and (
                plan.hires = 0
                or plan.reductions_in_force = 0
                or (plan.hires = known_joiners.joiners and plan.new_hire_terminations = 0)
            ),
            len(plan.department_targets) = len(plan.growth_units) + 1
            and list_sum(plan.department_targets) = plan.target_headcount
            and list_min(plan.department_targets) >= 0
            and list_sum(plan.department_joiners) = coalesce(known_joiners.joiners, 0)
            and len(plan.hire_pools) = len(plan.department_targets)
        ),
        false
    )
