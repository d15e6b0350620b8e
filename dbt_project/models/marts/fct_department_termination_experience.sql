-- Observed terminations of the experienced of each department beside what the hazards let expect,
-- that is, the sum of their chances to leave. Reductions in force, which follow their own rule, are
-- left out. As age, tenure and level, the department is that of the start of the year.
select
    scenario_id,
    simulation_year,
    coalesce(if(transfer_date is null, department, transferred_from), 'Not stated') as department,
    opening_age_band as age_band,
    opening_tenure_band as tenure_band,
    opening_level as level,
    count(*) as exposed,
    count(*) filter (where termination_category <> 'reduction_in_force') as observed,
    -- exact, so that neither the order of the rows nor a sum of departments makes a difference
    sum(termination_probability::decimal(18, 12)) as expected
from {{ ref('int_employee_years') }}
where not is_new_hire
group by
    scenario_id,
    simulation_year,
    coalesce(if(transfer_date is null, department, transferred_from), 'Not stated'),
    opening_age_band,
    opening_tenure_band,
    opening_level
