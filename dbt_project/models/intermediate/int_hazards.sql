-- Relative hazards of leaving and of promotion for every age band, tenure band and level. Neither
-- has its base rate: that of leaving would cancel in a draw in proportion, that of promotion is a
-- setting of each year.
select
    leaving_age.row_key as age_band,
    leaving_tenure.row_key as tenure_band,
    levels.level,
    leaving_age.multiplier
    * leaving_tenure.multiplier
    * leaving_level.multiplier as termination_weight,
    case
        when levels.is_top_level then 0
        else promotion_level.multiplier * promotion_age.multiplier * promotion_tenure.multiplier
    end as promotion_multiplier
from {{ ref('stg_job_levels') }} as levels
inner join {{ ref('stg_hazards') }} as leaving_level
    on
        leaving_level.table_name = 'termination_hazard_by_level'
        and levels.level::varchar = leaving_level.row_key
inner join {{ ref('stg_hazards') }} as promotion_level
    on
        promotion_level.table_name = 'promotion_hazard_by_level'
        and levels.level::varchar = promotion_level.row_key
inner join {{ ref('stg_hazards') }} as leaving_age
    on leaving_age.table_name = 'termination_hazard_by_age'
inner join {{ ref('stg_hazards') }} as promotion_age
    on
        promotion_age.table_name = 'promotion_hazard_by_age'
        and leaving_age.row_key = promotion_age.row_key
inner join {{ ref('stg_hazards') }} as leaving_tenure
    on leaving_tenure.table_name = 'termination_hazard_by_tenure'
inner join {{ ref('stg_hazards') }} as promotion_tenure
    on
        promotion_tenure.table_name = 'promotion_hazard_by_tenure'
        and leaving_tenure.row_key = promotion_tenure.row_key
