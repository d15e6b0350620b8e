-- How pay moved in each year, and which part of the payroll's change came from what. The parts
-- add up: end - start = promotions + raises + hires - leavers. Between departments, transfers add
-- up to nothing.
with yearly as (
    select
        scenario_id,
        simulation_year,
        sum(start_payroll) as start_payroll,
        sum(end_payroll) as end_payroll,
        sum(payroll_from_promotions) as payroll_from_promotions,
        sum(payroll_from_raises) as payroll_from_raises,
        sum(payroll_from_hires) as payroll_from_hires,
        sum(payroll_from_leavers) as payroll_from_leavers,
        sum(start_payroll) / sum(start_headcount) as start_average_compensation,
        sum(end_payroll) / nullif(sum(end_headcount), 0) as end_average_compensation,
        sum(continuous_payroll)
        / nullif(sum(start_payroll) - sum(payroll_from_leavers), 0) - 1
            as continuous_employee_growth
    from {{ ref('fct_department_summary') }}
    group by scenario_id, simulation_year
)

select
    scenario_id,
    simulation_year,
    start_payroll,
    payroll_from_promotions,
    payroll_from_raises,
    payroll_from_hires,
    payroll_from_leavers,
    end_payroll,
    end_payroll / start_payroll - 1 as payroll_growth,
    start_average_compensation,
    end_average_compensation,
    end_average_compensation / start_average_compensation - 1 as average_compensation_growth,
    continuous_employee_growth
from yearly
