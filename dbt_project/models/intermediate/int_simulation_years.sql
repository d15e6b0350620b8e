{{ config(event_time="year_start") }}

-- Everything that is fixed before a year is played. dbt hands int_employee_years only the row
-- of the batch's own year, because this model has an event time: 1 January of the year's number,
-- whatever day the year begins on.
select
    parameters.fingerprint,
    parameters.scenario_id,
    parameters.simulation_year,
    make_date(parameters.simulation_year, 1, 1)::timestamp as year_start,
    parameters.first_day,
    parameters.year_end,
    parameters.days_in_year,
    parameters.simulation_year = run.start_year as is_start_year,
    parameters.random_seed || '|' || parameters.simulation_year as draw_key,
    plan.start_headcount,
    plan.target_headcount,
    plan.experienced_terminations,
    plan.reductions_in_force,
    plan.hires,
    plan.new_hire_terminations,
    plan.growth_departments,
    plan.growth_job_families,
    plan.department_targets,
    plan.department_joiners,
    plan.hire_pools,
    parameters.new_hire_termination_millionths,
    parameters.minimum_days_before_leaving,
    parameters.retirement_ages,
    parameters.retirement_probabilities,
    parameters.reduction_date,
    parameters.reduction_order,
    parameters.reduction_departments,
    parameters.reduction_job_families,
    parameters.promotion_date,
    parameters.promotion_rate,
    parameters.promotion_increase,
    parameters.promotion_increase_spread,
    parameters.promotion_increase_cap,
    parameters.promotion_minimum_tenure,
    parameters.promotion_age_limit,
    parameters.raise_date,
    parameters.raise_minimum_tenure,
    parameters.cola_rate,
    parameters.cola_minimum_tenure,
    parameters.merit_budget,
    parameters.band_index,
    parameters.band_index_after_raises,
    parameters.hire_pay_percentile,
    parameters.hire_pay_levels,
    parameters.hire_pay_percentiles,
    parameters.hire_pay_spread
from {{ ref('int_headcount_plan') }} as plan
inner join {{ ref('stg_simulation_parameters') }} as parameters
    on
        plan.fingerprint = parameters.fingerprint
        and plan.simulation_year = parameters.simulation_year
cross join {{ ref('stg_simulation_run') }} as run
