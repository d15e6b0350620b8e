-- Observed terminations of the experienced beside what the hazards let expect, that is, the sum
-- of their chances to leave. Reductions in force, which follow their own rule, are left out.
select
    scenario_id,
    simulation_year,
    opening_age_band as age_band,
    opening_tenure_band as tenure_band,
    opening_level as level,
    count(*) as exposed,
    count(*) filter (where termination_category <> 'reduction_in_force') as observed,
    -- exact, so that the order of the rows makes no difference
    sum(termination_probability::decimal(18, 12))::double as expected
from {{ ref('int_employee_years') }}
where not is_new_hire
group by scenario_id, simulation_year, opening_age_band, opening_tenure_band, opening_level
