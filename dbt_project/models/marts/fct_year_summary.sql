-- One row for each scenario and year: the movement from start to end and what it cost.
with movement as (
    select
        scenario_id,
        simulation_year,
        any_value(fingerprint) as fingerprint,
        sum(start_headcount)::bigint as start_headcount,
        sum(hires)::bigint as hires,
        sum(experienced_terminations)::bigint as experienced_terminations,
        sum(retirements)::bigint as retirements,
        sum(reductions_in_force)::bigint as reductions_in_force,
        sum(new_hire_terminations)::bigint as new_hire_terminations,
        sum(promotions)::bigint as promotions,
        sum(raises)::bigint as raises,
        sum(end_headcount)::bigint as end_headcount,
        sum(start_payroll) as start_payroll,
        sum(end_payroll) as end_payroll,
        sum(paid_compensation) as paid_compensation,
        sum(end_fte) as end_fte
    from {{ ref('fct_department_summary') }}
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
    movement.paid_compensation,
    movement.end_fte
from movement
inner join {{ ref('stg_simulation_parameters') }} as parameters
    on
        movement.fingerprint = parameters.fingerprint
        and movement.simulation_year = parameters.simulation_year
