-- What each department's people cost in a year: their pay, and by the rates of the scenario's last
-- run what comes with it. The rates are read from their source and not through a staging model,
-- whose SQL would be among the rules that stored years are held against.
with people as (
    select
        ledger.scenario_id,
        ledger.simulation_year,
        coalesce(ledger.department, 'Not stated') as department,
        ledger.termination_date is null as is_active,
        coalesce(ledger.termination_date, years.year_end)
        - greatest(ledger.hire_date, years.first_day)
        + 1 as days_employed,
        years.days_in_year,
        ledger.prorated_compensation as pay,
        round(
            ledger.prorated_compensation * coalesce(
                rates.bonus_rates[list_position(rates.bonus_levels, ledger.level)],
                rates.bonus_rate
            ),
            2
        )::decimal(16, 2) as bonus,
        round(ledger.prorated_compensation * rates.overhead_rate, 2)::decimal(16, 2) as overhead,
        rates.benefits_per_head,
        list_zip(rates.tax_rates, rates.tax_caps) as taxes,
        coalesce(ledger.fte, 1) as fte,
        {{ unpaid_days('ledger.') }} as unpaid_days,
        coalesce(rates.benefits_by_fte, false) as is_benefit_by_fte
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_parameters') }} as years
        on
            ledger.fingerprint = years.fingerprint
            and ledger.simulation_year = years.simulation_year
    inner join {{ source('simulation', 'cost_rates') }} as rates
        on
            ledger.scenario_id = rates.scenario_id
            and ledger.simulation_year = rates.simulation_year
),

-- Each tax of each employee is rounded, as it is paid. Without a cap the least is the pay.
departments as (
    select
        scenario_id,
        simulation_year,
        department,
        count(*) filter (where is_active) as end_headcount,
        -- whole days, whose sum does not depend on the order in which threads add
        sum(days_employed) / any_value(days_in_year) as average_headcount,
        sum(pay) as paid_compensation,
        sum(bonus) as bonuses,
        sum(
            coalesce(
                list_sum(list_transform(
                    taxes, lambda tax: round(least(pay + bonus, tax[2]) * tax[1], 2)
                )),
                0
            )::decimal(16, 2)
        ) as employer_taxes,
        sum(
            case
                when is_benefit_by_fte
                    then round(
                        benefits_per_head * ((days_employed - unpaid_days) * fte)::double
                        / days_in_year,
                        2
                    )
                else round(benefits_per_head * days_employed / days_in_year, 2)
            end::decimal(16, 2)
        ) as benefits,
        sum(overhead) as overhead,
        sum((days_employed - unpaid_days) * fte) / any_value(days_in_year) as average_fte
    from people
    group by scenario_id, simulation_year, department
)

select
    departments.scenario_id,
    departments.simulation_year,
    departments.department,
    departments.end_headcount,
    departments.average_headcount,
    departments.paid_compensation,
    departments.bonuses,
    departments.employer_taxes,
    departments.benefits,
    coalesce(plan.employer_match, 0) as retirement_match,
    departments.overhead,
    departments.paid_compensation
    + departments.bonuses
    + departments.employer_taxes
    + departments.benefits
    + coalesce(plan.employer_match, 0)
    + departments.overhead as total_cost,
    departments.average_fte
from departments
left join {{ ref('fct_retirement_plan') }} as plan
    on
        departments.scenario_id = plan.scenario_id
        and departments.simulation_year = plan.simulation_year
        and departments.department = plan.department
