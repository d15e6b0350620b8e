-- Observed terminations of the experienced beside what the hazards let expect, that is, the sum
-- of their chances to leave. Reductions in force, which follow their own rule, are left out.
select
    scenario_id,
    simulation_year,
    age_band,
    tenure_band,
    level,
    sum(exposed)::bigint as exposed,
    sum(observed)::bigint as observed,
    sum(expected)::double as expected
from {{ ref('fct_department_termination_experience') }}
group by scenario_id, simulation_year, age_band, tenure_band, level
