{{ config(meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- What must hold for each row by itself: nothing before hire or after termination, every date
-- inside its year, each step of pay explained by its event, ages and tenures in completed years
-- (counted here by the calendar, where the model takes differences of years).
with parameters as (
    select
        parameters.*,
        parameters.year_end + 1 as next_first_day,
        parameters.raise_date + 1 as day_after_raises
    from {{ ref('stg_simulation_parameters') }} as parameters
    inner join {{ ref('stg_simulation_run') }} as run
        on parameters.fingerprint = run.fingerprint
),

ledger as (
    select
        ledger.*,
        parameters.first_day,
        parameters.next_first_day,
        parameters.year_end,
        parameters.promotion_date as day_of_promotions,
        parameters.raise_date as day_of_raises,
        parameters.day_after_raises,
        parameters.minimum_days_before_leaving,
        parameters.promotion_minimum_tenure,
        parameters.promotion_age_limit,
        parameters.reduction_date,
        levels.min_compensation * parameters.band_index * ledger.fte as lowest_of_band,
        least(parameters.cola_minimum_tenure, parameters.raise_minimum_tenure)
            as raise_minimum_tenure,
        least(
            parameters.promotion_increase_cap,
            parameters.promotion_increase - parameters.promotion_increase_spread
        ) as lowest_increase,
        least(
            parameters.promotion_increase_cap,
            parameters.promotion_increase + parameters.promotion_increase_spread
        ) as highest_increase,
        coalesce(ledger.termination_date, parameters.year_end) as last_day,
        (
            coalesce(ledger.termination_date, parameters.year_end)
            - greatest(ledger.hire_date, parameters.first_day)
            + 1
        ) / parameters.days_in_year as share_of_year,
        {{ unpaid_days('ledger.') }} / parameters.days_in_year as unpaid_share_of_year
    from {{ ref('int_employee_years') }} as ledger
    inner join parameters
        on ledger.simulation_year = parameters.simulation_year
    inner join {{ ref('stg_job_levels') }} as levels
        on ledger.level = levels.level
    where ledger.scenario_id = {{ current_scenario() }}
),

judged as (
    select
        simulation_year,
        employee_id,
        case
            when not coalesce(
                birth_date < hire_date
                and hire_date <= last_day
                and is_new_hire = (hire_date >= first_day)
                and hire_date <= year_end,
                false
            ) then 'birth or hire date'
            when
                termination_date not between first_day and year_end
                or (is_new_hire and termination_date < hire_date + minimum_days_before_leaving)
                or (termination_date is null) <> (termination_category is null)
                or is_new_hire <> (termination_category = 'new_hire_termination')
                or termination_category not in (
                    'experienced_termination', 'retirement', 'reduction_in_force',
                    'new_hire_termination'
                )
                or (
                    termination_category = 'reduction_in_force'
                    and termination_date <> reduction_date
                )
                then 'termination'
            when
                promotion_date <> day_of_promotions
                or promotion_date > last_day
                or level <> opening_level + (promotion_date is not null)::integer
                or (
                    promotion_date is not null
                    and (
                        is_new_hire
                        or opening_tenure < promotion_minimum_tenure
                        or opening_age >= promotion_age_limit
                    )
                ) then 'promotion'
            when
                transfer_date not between first_day and last_day
                or (transfer_date is not null and is_new_hire)
                or (transfer_date is null and transferred_from is not null)
                then 'transfer'
            when
                absence_from not between greatest(hire_date, first_day) and absence_until
                or absence_until > last_day
                or absence_paid_share not between 0 and 1
                or (absence_from is null) <> (absence_until is null)
                then 'absence'
            when
                raise_date <> day_of_raises
                or (raise_date is not null) <> (
                    hire_date <= day_of_raises
                    and {{ completed_years('hire_date', 'day_after_raises') }}
                    >= raise_minimum_tenure
                    and last_day >= day_of_raises
                ) then 'raise'
            when not coalesce(
                opening_compensation > 0
                and case
                    when promotion_date is null
                        then compensation_after_promotion = opening_compensation
                    else
                        compensation_after_promotion
                        between greatest(
                            lowest_of_band, opening_compensation * (1 + lowest_increase)
                        ) - 0.01
                        and greatest(
                            lowest_of_band, opening_compensation * (1 + highest_increase)
                        ) + 0.01
                end
                and case
                    when raise_date is null
                        then annual_compensation = compensation_after_promotion
                    else annual_compensation >= compensation_after_promotion
                end
                and prorated_compensation
                between
                least(opening_compensation, compensation_after_promotion) * share_of_year
                - greatest(opening_compensation, annual_compensation) * unpaid_share_of_year - 0.02
                and
                greatest(opening_compensation, annual_compensation) * share_of_year
                - least(opening_compensation, compensation_after_promotion) * unpaid_share_of_year
                + 0.02,
                false
            ) then 'pay'
            when not coalesce(
                opening_age = {{ completed_years('birth_date', 'first_day') }}
                and age = {{ completed_years('birth_date', 'next_first_day') }}
                and opening_tenure = greatest(0, {{ completed_years('hire_date', 'first_day') }})
                and tenure_years = {{ completed_years('hire_date', 'next_first_day') }},
                false
            ) then 'age or tenure'
            when
                not coalesce(termination_probability between 0 and 1, false)
                or (promotion_probability is null) <> is_new_hire
                or promotion_probability not between 0 and 1 then 'probability'
        end as broken_rule
    from ledger
)

select
    simulation_year,
    employee_id,
    broken_rule
from judged
where broken_rule is not null
