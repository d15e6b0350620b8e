-- The actives at the end of each year by level.
select
    scenario_id,
    simulation_year,
    level,
    level_name,
    sum(headcount)::bigint as headcount,
    sum(headcount)
    / sum(sum(headcount)) over (partition by scenario_id, simulation_year) as share,
    sum(payroll) as payroll
from {{ ref('fct_department_level_mix') }}
group by scenario_id, simulation_year, level, level_name
