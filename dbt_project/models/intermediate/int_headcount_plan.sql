-- How many leave and join in each year. The end of a year is its target exactly, so the whole
-- plan follows from the opening headcount alone. Where departments or job families have targets of
-- their own, hires and reductions follow from who leaves in each, so here are only as many hires as
-- it may take.
with parameters as (
    select
        parameters.fingerprint,
        parameters.scenario_id,
        parameters.simulation_year,
        parameters.first_day,
        parameters.year_end,
        parameters.target_headcount,
        parameters.termination_millionths,
        parameters.new_hire_termination_millionths,
        parameters.growth_departments,
        parameters.growth_job_families,
        parameters.department_starts,
        parameters.department_targets
    from {{ ref('stg_simulation_parameters') }} as parameters
    inner join {{ ref('stg_simulation_run') }} as run
        on parameters.fingerprint = run.fingerprint
    where parameters.simulation_year between run.start_year and run.last_year
),

opening as (
    select count(*) as headcount from {{ ref('int_baseline_workforce') }}
),

headcount as (
    select
        parameters.*,
        coalesce(
            lag(parameters.target_headcount) over (order by parameters.simulation_year),
            opening.headcount
        ) as start_headcount
    from parameters
    cross join opening
),

last_days as (
    select known_termination_date as last_day
    from {{ ref('int_baseline_workforce') }}
    where known_termination_date is not null

    union all

    select effective_date as last_day
    from {{ ref('stg_known_events') }}
    where event = 'leave'
),

known_leavers as (
    select
        parameters.simulation_year,
        count(*) as leavers
    from parameters
    inner join last_days
        on last_days.last_day between parameters.first_day and parameters.year_end
    group by parameters.simulation_year
),

known_joiners as (
    select
        simulation_year,
        count(*) as joiners
    from {{ ref('stg_known_events') }}
    where event in ('join', 'rehire')
    group by simulation_year
),

-- who is known to leave counts among the leavers, and leaves also where fewer are planned
demand as (
    select
        headcount.*,
        greatest(
            {{ share_of('headcount.start_headcount', 'headcount.termination_millionths') }},
            coalesce(known_leavers.leavers, 0)
        ) as experienced_terminations,
        coalesce(known_joiners.joiners, 0) as known_joiners
    from headcount
    left join known_leavers
        on headcount.simulation_year = known_leavers.simulation_year
    left join known_joiners
        on headcount.simulation_year = known_joiners.simulation_year
),

net as (
    select
        *,
        target_headcount - (start_headcount - experienced_terminations) as net_demand
    from demand
),

-- where more are known to join than are needed, nobody else is hired, and so many more leave
hiring as (
    select
        *,
        greatest(net_demand, known_joiners) as hires_who_stay,
        case
            when net_demand < known_joiners then known_joiners
            when net_demand > 0
                then {{ ceil_div(
                    '(net_demand * 1000000)', '(1000000 - new_hire_termination_millionths)'
                ) }}
            else 0
        end as hires
    from net
),

-- The departments or job families with a target of their own by their places, all others as 0.
departments as (
    select
        *,
        [start_headcount - list_sum(department_starts)] || department_starts as start_headcounts,
        [target_headcount - list_sum(department_targets)] || department_targets
            as target_headcounts,
        unnest(range(0, len(department_targets) + 1)) as department_group
    from demand
    where department_targets is not null
),

department_moves as (
    select
        departments.simulation_year,
        departments.department_group,
        departments.experienced_terminations,
        departments.new_hire_termination_millionths,
        departments.start_headcounts[departments.department_group + 1] as start_headcount,
        departments.target_headcounts[departments.department_group + 1] as target_headcount,
        count(*) filter (where events.event = 'transfer') as transfers,
        count(*) filter (
            where
            events.event in ('join', 'rehire')
            and {{ growth_group('departments', 'events.department', 'events.job_family') }}
            = departments.department_group
        ) as joiners
    from departments
    left join {{ ref('stg_known_events') }} as events
        on departments.simulation_year = events.simulation_year
    group by
        departments.simulation_year,
        departments.department_group,
        departments.experienced_terminations,
        departments.new_hire_termination_millionths,
        departments.start_headcounts,
        departments.target_headcounts
),

-- as if all who leave left this department, and all who are transferred
most as (
    select
        *,
        greatest(
            0,
            joiners,
            target_headcount - start_headcount
            + least(start_headcount, experienced_terminations + transfers)
        ) as most_who_stay
    from department_moves
),

pools as (
    select
        simulation_year,
        list(target_headcount order by department_group) as department_targets,
        list(joiners order by department_group) as department_joiners,
        list(
            {{ ceil_div(
                '(most_who_stay * 1000000)', '(1000000 - new_hire_termination_millionths)'
            ) }}
            order by department_group
        ) as hire_pools
    from most
    group by simulation_year
)

select
    hiring.fingerprint,
    hiring.scenario_id,
    hiring.simulation_year,
    hiring.start_headcount,
    hiring.target_headcount,
    hiring.experienced_terminations,
    if(hiring.department_targets is null, hiring.hires, null) as hires,
    if(
        hiring.department_targets is null, hiring.hires_who_stay - hiring.net_demand, null
    ) as reductions_in_force,
    if(
        hiring.department_targets is null, hiring.hires - hiring.hires_who_stay, null
    ) as new_hire_terminations,
    hiring.growth_departments,
    hiring.growth_job_families,
    pools.department_targets::bigint[] as department_targets,
    pools.department_joiners::bigint[] as department_joiners,
    pools.hire_pools::bigint[] as hire_pools
from hiring
left join pools
    on hiring.simulation_year = pools.simulation_year
