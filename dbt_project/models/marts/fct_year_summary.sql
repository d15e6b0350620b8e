-- One row for each scenario and year: the movement from start to end and what it cost.
with movement as (
    select
        scenario_id,
        simulation_year,
        any_value(fingerprint) as fingerprint,
        count(*) filter (where not is_new_hire) as start_headcount,
        count(*) filter (where is_new_hire) as hires,
        count(*) filter (where termination_category in ('experienced_termination', 'retirement'))
            as experienced_terminations,
        count(*) filter (where termination_category = 'retirement') as retirements,
        count(*) filter (where termination_category = 'reduction_in_force')
            as reductions_in_force,
        count(*) filter (where termination_category = 'new_hire_termination')
            as new_hire_terminations,
        count(promotion_date) as promotions,
        count(raise_date) as raises,
        count(*) filter (where termination_date is null) as end_headcount,
        coalesce(sum(opening_compensation) filter (where not is_new_hire), 0) as start_payroll,
        coalesce(sum(annual_compensation) filter (where termination_date is null), 0)
            as end_payroll,
        sum(prorated_compensation) as paid_compensation
    from {{ ref('int_employee_years') }}
    group by scenario_id, simulation_year
)

select
    movement.scenario_id,
    movement.simulation_year,
    movement.fingerprint,
    movement.start_headcount,
    movement.hires,
    movement.experienced_terminations,
    movement.retirements,
    movement.reductions_in_force,
    movement.new_hire_terminations,
    movement.promotions,
    movement.raises,
    movement.end_headcount,
    parameters.target_headcount,
    movement.end_headcount / movement.start_headcount - 1 as growth_rate,
    parameters.growth_millionths / 1000000 as target_growth_rate,
    parameters.growth_tolerance,
    (
        movement.experienced_terminations
        + movement.reductions_in_force
        + movement.new_hire_terminations
    ) / ((movement.start_headcount + movement.end_headcount) / 2) as total_turnover,
    movement.start_payroll,
    movement.end_payroll,
    movement.paid_compensation
from movement
inner join {{ ref('stg_simulation_parameters') }} as parameters
    on
        movement.fingerprint = parameters.fingerprint
        and movement.simulation_year = parameters.simulation_year
