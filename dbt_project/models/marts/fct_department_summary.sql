-- How headcount and payroll of each department moved in each year. The parts add up:
-- end = start + transfers + promotions + raises + hires - leavers. The marts of all departments are
-- sums of this one. Who is transferred is counted where the year began and where it ended.
-- The ledger is named twice, because as a common table it would be copied with all its columns.
--
-- First by all that tells employees apart, with plain sums: those of a million employees by
-- conditions took twice as long.
with kinds as (
    select
        scenario_id,
        simulation_year,
        department,
        is_new_hire,
        termination_category,
        termination_date is null as is_active,
        transfer_date is not null as is_transferred,
        any_value(fingerprint) as fingerprint,
        count(*) as employees,
        count(promotion_date) as promotions,
        count(raise_date) as raises,
        sum(opening_compensation) as opening_compensation,
        sum(compensation_after_promotion) as compensation_after_promotion,
        sum(annual_compensation) as annual_compensation,
        sum(prorated_compensation) as prorated_compensation,
        sum(coalesce(fte, 1)) as fte
    from {{ ref('int_employee_years') }}
    group by
        scenario_id,
        simulation_year,
        department,
        is_new_hire,
        termination_category,
        termination_date is null,
        transfer_date is not null
),

movements as (
    select
        scenario_id,
        simulation_year,
        department,
        any_value(fingerprint) as fingerprint,
        sum(employees) filter (where not is_new_hire and not is_transferred) as start_headcount,
        sum(employees) filter (where is_transferred) as transfers,
        sum(employees) filter (where is_new_hire) as hires,
        sum(employees) filter (
            where termination_category in ('experienced_termination', 'retirement')
        ) as experienced_terminations,
        sum(employees) filter (where termination_category = 'retirement') as retirements,
        sum(employees) filter (where termination_category = 'reduction_in_force')
            as reductions_in_force,
        sum(employees) filter (where termination_category = 'new_hire_termination')
            as new_hire_terminations,
        sum(promotions) as promotions,
        sum(raises) as raises,
        sum(employees) filter (where is_active) as end_headcount,
        sum(opening_compensation) filter (where not is_new_hire and not is_transferred)
            as start_payroll,
        sum(opening_compensation) filter (where is_transferred) as payroll_from_transfers,
        sum(compensation_after_promotion - opening_compensation) filter (
            where is_active and not is_new_hire
        ) as payroll_from_promotions,
        sum(annual_compensation - compensation_after_promotion) filter (where is_active)
            as payroll_from_raises,
        sum(opening_compensation) filter (where is_active and is_new_hire) as payroll_from_hires,
        sum(opening_compensation) filter (where not is_active and not is_new_hire)
            as payroll_from_leavers,
        sum(annual_compensation) filter (where is_active and not is_new_hire)
            as continuous_payroll,
        sum(annual_compensation) filter (where is_active) as end_payroll,
        sum(prorated_compensation) as paid_compensation,
        sum(fte) filter (where is_active) as end_fte
    from kinds
    group by scenario_id, simulation_year, department

    union all

    -- where the transferred began the year
    select
        scenario_id,
        simulation_year,
        transferred_from as department,
        any_value(fingerprint) as fingerprint,
        count(*) as start_headcount,
        -count(*) as transfers,
        null as hires,
        null as experienced_terminations,
        null as retirements,
        null as reductions_in_force,
        null as new_hire_terminations,
        null as promotions,
        null as raises,
        null as end_headcount,
        sum(opening_compensation) as start_payroll,
        -sum(opening_compensation) as payroll_from_transfers,
        null as payroll_from_promotions,
        null as payroll_from_raises,
        null as payroll_from_hires,
        null as payroll_from_leavers,
        null as continuous_payroll,
        null as end_payroll,
        null as paid_compensation,
        null as end_fte
    from {{ ref('int_employee_years') }}
    where transfer_date is not null
    group by scenario_id, simulation_year, transferred_from
),

departments as (
    select
        scenario_id,
        simulation_year,
        coalesce(department, 'Not stated') as department,
        any_value(fingerprint) as fingerprint,
        coalesce(sum(start_headcount), 0)::bigint as start_headcount,
        coalesce(sum(transfers), 0)::bigint as transfers,
        coalesce(sum(hires), 0)::bigint as hires,
        coalesce(sum(experienced_terminations), 0)::bigint as experienced_terminations,
        coalesce(sum(retirements), 0)::bigint as retirements,
        coalesce(sum(reductions_in_force), 0)::bigint as reductions_in_force,
        coalesce(sum(new_hire_terminations), 0)::bigint as new_hire_terminations,
        coalesce(sum(promotions), 0)::bigint as promotions,
        coalesce(sum(raises), 0)::bigint as raises,
        coalesce(sum(end_headcount), 0)::bigint as end_headcount,
        coalesce(sum(start_payroll), 0) as start_payroll,
        coalesce(sum(payroll_from_transfers), 0) as payroll_from_transfers,
        coalesce(sum(payroll_from_promotions), 0) as payroll_from_promotions,
        coalesce(sum(payroll_from_raises), 0) as payroll_from_raises,
        coalesce(sum(payroll_from_hires), 0) as payroll_from_hires,
        coalesce(sum(payroll_from_leavers), 0) as payroll_from_leavers,
        coalesce(sum(continuous_payroll), 0) as continuous_payroll,
        coalesce(sum(end_payroll), 0) as end_payroll,
        coalesce(sum(paid_compensation), 0) as paid_compensation,
        coalesce(sum(end_fte), 0)::decimal(38, 6) as end_fte
    from movements
    group by scenario_id, simulation_year, coalesce(department, 'Not stated')
)

select
    scenario_id,
    simulation_year,
    department,
    fingerprint,
    start_headcount,
    transfers,
    hires,
    experienced_terminations,
    retirements,
    reductions_in_force,
    new_hire_terminations,
    promotions,
    raises,
    end_headcount,
    end_headcount / nullif(start_headcount, 0) - 1 as growth_rate,
    (experienced_terminations + reductions_in_force + new_hire_terminations)
    / nullif((start_headcount + end_headcount) / 2, 0) as total_turnover,
    start_payroll,
    payroll_from_transfers,
    payroll_from_promotions,
    payroll_from_raises,
    payroll_from_hires,
    payroll_from_leavers,
    end_payroll,
    paid_compensation,
    end_payroll / nullif(start_payroll, 0) - 1 as payroll_growth,
    start_payroll / nullif(start_headcount, 0) as start_average_compensation,
    end_payroll / nullif(end_headcount, 0) as end_average_compensation,
    (end_payroll / nullif(end_headcount, 0)) / (start_payroll / nullif(start_headcount, 0)) - 1
        as average_compensation_growth,
    continuous_payroll,
    continuous_payroll
    / nullif(start_payroll + payroll_from_transfers - payroll_from_leavers, 0) - 1
        as continuous_employee_growth,
    end_fte
from departments
