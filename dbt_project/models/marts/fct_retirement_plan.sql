-- Who takes part in the retirement plan, what they save, and what the employer adds. Savings and
-- match are of the pay from the enrolment on, not from the hire on: who is enrolled in October
-- has three months of them.
with eligible as (
    select
        ledger.scenario_id,
        ledger.simulation_year,
        coalesce(ledger.department, 'Not stated') as department,
        ledger.employee_id,
        ledger.age,
        ledger.opening_compensation,
        ledger.compensation_after_promotion,
        ledger.annual_compensation,
        ledger.prorated_compensation,
        ledger.absence_from,
        ledger.absence_until,
        ledger.absence_paid_share,
        greatest(ledger.hire_date, years.first_day) as paid_from,
        coalesce(ledger.termination_date, years.year_end) + 1 as paid_until,
        greatest(
            ledger.hire_date + plan.minimum_service_days,
            (ledger.birth_date + to_years(plan.minimum_age))::date
        ) as eligible_on,
        years.promotion_date,
        years.raise_date,
        years.days_in_year,
        plan.random_seed,
        plan.enrolment_days,
        plan.participation,
        plan.deferral_ages,
        plan.deferral_rates,
        plan.match_from,
        plan.match_up_to,
        plan.match_rates,
        plan.deferral_limit,
        plan.catch_up_age,
        plan.catch_up_limit,
        plan.pay_limit
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_parameters') }} as years
        on
            ledger.fingerprint = years.fingerprint
            and ledger.simulation_year = years.simulation_year
    inner join {{ source('simulation', 'retirement_plans') }} as plan
        on
            ledger.scenario_id = plan.scenario_id
            and ledger.simulation_year = plan.simulation_year
),

-- The draw has no year in its key: who stays in the plan does so in each year.
enrolled as (
    select
        *,
        eligible_on < paid_until as is_eligible,
        case
            when eligible_on + enrolment_days < paid_until
                then participation > {{ draw('random_seed', 'employee_id', 'retirement_plan') }}
            else false
        end as is_enrolled,
        greatest(paid_from, eligible_on + enrolment_days) as saves_from
    from eligible
),

-- As the ledger's own pay of the year: rate x days of the periods between promotion and raise.
paid as (
    select
        *,
        case
            -- of most, who were enrolled before the year
            when is_enrolled and saves_from = paid_from then prorated_compensation
            when is_enrolled
                then round(
                    (
                        opening_compensation * greatest(
                            0, least(paid_until, promotion_date) - saves_from
                        )
                        + compensation_after_promotion * greatest(
                            0,
                            least(paid_until, raise_date) - greatest(saves_from, promotion_date)
                        )
                        + annual_compensation * greatest(
                            0, paid_until - greatest(saves_from, raise_date)
                        )
                    ) / days_in_year,
                    2
                ) - {{ unpaid_from('', '', 'saves_from') }}
            else 0
        end::decimal(16, 2) as enrolled_pay,
        (deferral_limit + if(age >= catch_up_age, catch_up_limit, 0))::decimal(16, 2)
            as savings_limit
    from enrolled
),

saved as (
    select
        *,
        least(
            savings_limit,
            round(
                enrolled_pay * coalesce(
                    deferral_rates[len(list_filter(deferral_ages, lambda step: step <= age))], 0
                ),
                2
            )
        )::decimal(16, 2) as savings,
        least(enrolled_pay, pay_limit) as matched_pay
    from paid
)

select
    scenario_id,
    simulation_year,
    department,
    count(*) as employees,
    count(*) filter (where is_eligible) as eligible,
    count(*) filter (where is_enrolled) as enrolled,
    sum(enrolled_pay) as enrolled_pay,
    sum(savings) as savings,
    count(*) filter (where is_enrolled and savings = savings_limit) as at_limit,
    sum(
        round(
            coalesce(
                list_sum(list_transform(
                    list_zip(match_from, match_up_to, match_rates),
                    lambda tier: tier[3] * greatest(
                        0, least(savings, tier[2] * matched_pay) - tier[1] * matched_pay
                    )
                )),
                0
            ),
            2
        )::decimal(16, 2)
    ) as employer_match
from saved
group by scenario_id, simulation_year, department
