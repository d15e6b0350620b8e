-- How many leave and join in each year. The end of a year is its target exactly, so the whole
-- plan follows from the opening headcount alone.
with parameters as (
    select
        parameters.fingerprint,
        parameters.scenario_id,
        parameters.simulation_year,
        parameters.first_day,
        parameters.year_end,
        parameters.target_headcount,
        parameters.termination_millionths,
        parameters.new_hire_termination_millionths
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
    where event = 'join'
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
)

select
    fingerprint,
    scenario_id,
    simulation_year,
    start_headcount,
    target_headcount,
    experienced_terminations,
    hires,
    hires_who_stay - net_demand as reductions_in_force,
    hires - hires_who_stay as new_hire_terminations
from hiring
