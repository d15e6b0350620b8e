-- How pay moved in each year, and which part of the payroll's change came from what. The parts
-- add up: end - start = promotions + raises + hires - leavers.
with ledger as (
    select
        *,
        termination_date is null as is_active
    from {{ ref('int_employee_years') }}
),

yearly as (
    select
        scenario_id,
        simulation_year,
        coalesce(sum(opening_compensation) filter (where not is_new_hire), 0) as start_payroll,
        coalesce(sum(annual_compensation) filter (where is_active), 0) as end_payroll,
        coalesce(
            sum(compensation_after_promotion - opening_compensation) filter (
                where is_active and not is_new_hire
            ),
            0
        ) as payroll_from_promotions,
        coalesce(
            sum(annual_compensation - compensation_after_promotion) filter (where is_active),
            0
        ) as payroll_from_raises,
        coalesce(sum(opening_compensation) filter (where is_active and is_new_hire), 0)
            as payroll_from_hires,
        coalesce(sum(opening_compensation) filter (where not is_active and not is_new_hire), 0)
            as payroll_from_leavers,
        sum(opening_compensation) filter (where not is_new_hire)
        / count(*) filter (where not is_new_hire) as start_average_compensation,
        sum(annual_compensation) filter (where is_active)
        / nullif(count(*) filter (where is_active), 0) as end_average_compensation,
        sum(annual_compensation) filter (where is_active and not is_new_hire)
        / sum(opening_compensation) filter (where is_active and not is_new_hire) - 1
            as continuous_employee_growth
    from ledger
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
