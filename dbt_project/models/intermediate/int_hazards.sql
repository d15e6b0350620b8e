-- Relative hazards of leaving and of promotion for every age band, tenure band and level. Neither
-- has its base rate: that of leaving would cancel in a draw in proportion, that of promotion is a
-- setting of each year.
select
    leaving_age.age_band,
    leaving_tenure.tenure_band,
    levels.level,
    leaving_age.multiplier
    * leaving_tenure.multiplier
    * leaving_level.multiplier as termination_weight,
    case
        when levels.is_top_level then 0
        else promotion_level.multiplier * promotion_age.multiplier * promotion_tenure.multiplier
    end as promotion_multiplier
from {{ ref('termination_hazard_by_age') }} as leaving_age
inner join {{ ref('promotion_hazard_by_age') }} as promotion_age
    on leaving_age.age_band = promotion_age.age_band
cross join {{ ref('termination_hazard_by_tenure') }} as leaving_tenure
inner join {{ ref('promotion_hazard_by_tenure') }} as promotion_tenure
    on leaving_tenure.tenure_band = promotion_tenure.tenure_band
cross join {{ ref('stg_job_levels') }} as levels
inner join {{ ref('termination_hazard_by_level') }} as leaving_level
    on levels.level = leaving_level.level
inner join {{ ref('promotion_hazard_by_level') }} as promotion_level
    on levels.level = promotion_level.level
