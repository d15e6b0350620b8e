{{ config(meta={"dagster": {"ref": {"name": "stg_simulation_parameters"}}}) }}

-- The run's configuration has one row for every year from its start to its end, with rates that
-- the rules of a year can work with. A hire rate of 1 would divide by zero, and a promotion
-- after the raise would be paid in the wrong order.
with expected as (
    select
        fingerprint,
        scenario_id,
        unnest(range(start_year, last_year + 1)) as simulation_year
    from {{ ref('stg_simulation_run') }}
),

compared as (
    select
        expected.simulation_year,
        count(parameters.simulation_year) as times_given,
        coalesce(
            bool_and(
                parameters.scenario_id = expected.scenario_id
                and parameters.growth_millionths > -1000000
                and parameters.termination_millionths between 0 and 1000000
                and parameters.new_hire_termination_millionths between 0 and 999999
                and parameters.minimum_days_before_leaving between 0 and parameters.days_in_year - 1
                and parameters.cola_rate >= 0
                and parameters.merit_budget >= 0
                and parameters.promotion_increase_spread >= 0
                and parameters.hire_pay_percentile between 0 and 1
                and parameters.hire_pay_spread between 0 and 1
                and parameters.target_headcount > 0
                and parameters.promotion_rate between 0 and 1
                and parameters.band_index > 0
                and parameters.reduction_date between parameters.first_day and parameters.year_end
                and parameters.growth_tolerance >= 0
                and parameters.promotion_date >= parameters.first_day
                and parameters.promotion_date <= parameters.raise_date
                and parameters.raise_date <= parameters.year_end
            ),
            false
        ) as is_in_range
    from expected
    left join {{ ref('stg_simulation_parameters') }} as parameters
        on
            expected.fingerprint = parameters.fingerprint
            and expected.simulation_year = parameters.simulation_year
    group by expected.simulation_year
)

select *
from compared
where times_given <> 1 or not is_in_range
