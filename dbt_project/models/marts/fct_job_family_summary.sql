-- The headcount of each job family in each year. Nobody changes the family, so the counts add up:
-- end = start + hires - leavers, and those of all families are those of the year.
select
    scenario_id,
    simulation_year,
    coalesce(job_family, 'Not stated') as job_family,
    count(*) filter (where not is_new_hire) as start_headcount,
    count(*) filter (where is_new_hire) as hires,
    count(*) filter (where termination_category in ('experienced_termination', 'retirement'))
        as experienced_terminations,
    count(*) filter (where termination_category = 'reduction_in_force') as reductions_in_force,
    count(*) filter (where termination_category = 'new_hire_termination') as new_hire_terminations,
    count(*) filter (where termination_date is null) as end_headcount,
    coalesce(sum(opening_compensation) filter (where not is_new_hire), 0)::decimal(38, 2)
        as start_payroll,
    coalesce(sum(annual_compensation) filter (where termination_date is null), 0)::decimal(38, 2)
        as end_payroll
from {{ ref('int_employee_years') }}
group by scenario_id, simulation_year, coalesce(job_family, 'Not stated')
