{{ config(severity="warn", meta={"dagster": {"ref": {"name": "int_employee_years"}}}) }}

-- Of those who may be promoted, about as many are as their probabilities add up to. Five
-- standard deviations of a sum of independent draws are exceeded in one of 1.7 million years.
with eligible as (
    select
        ledger.simulation_year,
        count(ledger.promotion_date) as promotions,
        sum(ledger.promotion_probability) as expected,
        sum(ledger.promotion_probability * (1 - ledger.promotion_probability)) as variance
    from {{ ref('int_employee_years') }} as ledger
    inner join {{ ref('stg_simulation_parameters') }} as parameters
        on
            ledger.fingerprint = parameters.fingerprint
            and ledger.simulation_year = parameters.simulation_year
    where
        ledger.scenario_id = {{ current_scenario() }}
        and not ledger.is_new_hire
        and ledger.opening_tenure >= parameters.promotion_minimum_tenure
        and ledger.opening_age < parameters.promotion_age_limit
        and coalesce(ledger.termination_date >= parameters.promotion_date, true)
    group by ledger.simulation_year
)

select *
from eligible
where expected >= 25 and abs(promotions - expected) > 5 * sqrt(variance)
