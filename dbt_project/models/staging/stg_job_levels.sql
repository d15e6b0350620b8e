-- The levels of the seed, with the pay bands and merit rates of the run's scenario.
select
    levels.level,
    levels.level_name,
    coalesce(own.min_compensation, levels.min_compensation) as min_compensation,
    coalesce(own.max_compensation, levels.max_compensation) as max_compensation,
    coalesce(rates.rate::decimal(9, 6), merit.merit_rate) as merit_rate,
    levels.level = max(levels.level) over () as is_top_level
from {{ ref('job_levels') }} as levels
inner join {{ ref('merit_rates') }} as merit
    on levels.level = merit.level
cross join {{ ref('stg_simulation_run') }} as run
left join {{ ref('stg_scenario_levels') }} as own
    on
        run.fingerprint = own.fingerprint
        and levels.level = own.level
left join {{ ref('stg_scenario_rates') }} as rates
    on
        rates.table_name = 'merit_rates'
        and levels.level::varchar = rates.row_key
