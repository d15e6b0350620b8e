-- How many leave and join in each year. The end of a year is its target exactly, so the whole
-- plan follows from the opening headcount alone.
with recursive parameters as (
    select
        parameters.fingerprint,
        parameters.scenario_id,
        parameters.simulation_year,
        run.start_year,
        parameters.growth_millionths,
        parameters.termination_millionths,
        parameters.new_hire_termination_millionths
    from {{ ref('stg_simulation_parameters') }} as parameters
    inner join {{ ref('stg_simulation_run') }} as run
        on parameters.fingerprint = run.fingerprint
    where parameters.simulation_year <= run.last_year
),

headcount as (
    select
        start_year as simulation_year,
        (select count(*) from {{ ref('int_baseline_workforce') }}) as start_headcount
    from parameters
    where simulation_year = start_year

    union all

    select
        headcount.simulation_year + 1 as simulation_year,
        {{ share_of('headcount.start_headcount', '(1000000 + parameters.growth_millionths)') }}
            as start_headcount
    from headcount
    inner join parameters
        on headcount.simulation_year = parameters.simulation_year
),

demand as (
    select
        parameters.*,
        headcount.start_headcount,
        {{ share_of('headcount.start_headcount', '(1000000 + parameters.growth_millionths)') }}
            as target_headcount,
        {{ share_of('headcount.start_headcount', 'parameters.termination_millionths') }}
            as experienced_terminations
    from headcount
    inner join parameters
        on headcount.simulation_year = parameters.simulation_year
),

net as (
    select
        *,
        target_headcount - (start_headcount - experienced_terminations) as net_demand
    from demand
),

hiring as (
    select
        *,
        case
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
    greatest(-net_demand, 0) as reductions_in_force,
    case when net_demand > 0 then hires - net_demand else 0 end as new_hire_terminations
from hiring
