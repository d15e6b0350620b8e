-- Observed terminations of the experienced beside what the hazards let expect, that is, the sum
-- of their chances to be drawn.
select
    scenario_id,
    simulation_year,
    opening_age_band as age_band,
    opening_tenure_band as tenure_band,
    opening_level as level,
    count(*) as exposed,
    count(termination_date) as observed,
    sum(termination_probability) as expected
from {{ ref('int_employee_years') }}
where not is_new_hire
group by scenario_id, simulation_year, opening_age_band, opening_tenure_band, opening_level
