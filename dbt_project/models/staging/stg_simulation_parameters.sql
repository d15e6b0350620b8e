-- Parameters by the fingerprint of what they belong to. They are never changed, only added, so
-- that the results of a scenario can always be read beside the configuration that made them.
select
    fingerprint,
    scenario_id,
    simulation_year,
    random_seed,
    growth_millionths,
    termination_millionths,
    new_hire_termination_millionths,
    minimum_days_before_leaving,
    cola_rate,
    merit_budget,
    raise_date,
    promotion_date,
    promotion_increase,
    promotion_increase_spread,
    promotion_increase_cap,
    promotion_minimum_tenure,
    promotion_age_limit,
    raise_minimum_tenure,
    hire_pay_percentile,
    growth_tolerance,
    make_date(simulation_year, 1, 1) as year_start,
    make_date(simulation_year, 12, 31) as year_end,
    make_date(simulation_year, 12, 31) - make_date(simulation_year, 1, 1) + 1 as days_in_year
from {{ source('simulation', 'simulation_parameters') }}
