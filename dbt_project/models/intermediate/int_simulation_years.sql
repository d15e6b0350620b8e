{{ config(event_time="year_start") }}

-- Everything that is fixed before a year is played. dbt hands int_employee_years only the row
-- of the batch's own year, because this model has an event time.
select
    parameters.fingerprint,
    parameters.scenario_id,
    parameters.simulation_year,
    parameters.year_start::timestamp as year_start,
    parameters.year_end,
    parameters.days_in_year,
    parameters.simulation_year = run.start_year as is_start_year,
    parameters.random_seed || '|' || parameters.scenario_id || '|' || parameters.simulation_year
        as draw_key,
    plan.start_headcount,
    plan.target_headcount,
    plan.experienced_terminations,
    plan.reductions_in_force,
    plan.hires,
    plan.new_hire_terminations,
    parameters.new_hire_termination_millionths / 1000000 as new_hire_termination_rate,
    parameters.minimum_days_before_leaving,
    parameters.promotion_date,
    parameters.promotion_increase,
    parameters.promotion_increase_spread,
    parameters.promotion_increase_cap,
    parameters.promotion_minimum_tenure,
    parameters.promotion_age_limit,
    parameters.raise_date,
    parameters.raise_minimum_tenure,
    parameters.cola_rate,
    parameters.merit_budget,
    parameters.hire_pay_percentile
from {{ ref('int_headcount_plan') }} as plan
inner join {{ ref('stg_simulation_parameters') }} as parameters
    on
        plan.fingerprint = parameters.fingerprint
        and plan.simulation_year = parameters.simulation_year
cross join {{ ref('stg_simulation_run') }} as run
