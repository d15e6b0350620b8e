-- The multipliers of all hazard tables by band or level: those of the run's scenario where it has
-- its own, else those of the seeds.
with seeds as (
    select
        'termination_hazard_by_age' as table_name,
        age_band as row_key,
        multiplier
    from {{ ref('termination_hazard_by_age') }}

    union all

    select
        'termination_hazard_by_tenure' as table_name,
        tenure_band as row_key,
        multiplier
    from {{ ref('termination_hazard_by_tenure') }}

    union all

    select
        'termination_hazard_by_level' as table_name,
        level::varchar as row_key,
        multiplier
    from {{ ref('termination_hazard_by_level') }}

    union all

    select
        'promotion_hazard_by_age' as table_name,
        age_band as row_key,
        multiplier
    from {{ ref('promotion_hazard_by_age') }}

    union all

    select
        'promotion_hazard_by_tenure' as table_name,
        tenure_band as row_key,
        multiplier
    from {{ ref('promotion_hazard_by_tenure') }}

    union all

    select
        'promotion_hazard_by_level' as table_name,
        level::varchar as row_key,
        multiplier
    from {{ ref('promotion_hazard_by_level') }}
)

select
    seeds.table_name,
    seeds.row_key,
    coalesce(own.rate, seeds.multiplier) as multiplier
from seeds
left join {{ ref('stg_scenario_rates') }} as own
    on
        seeds.table_name = own.table_name
        and seeds.row_key = own.row_key
