-- Relative hazards of leaving and of promotion for every age band, tenure band and level. The
-- termination weight leaves out the base rate: it would cancel in a draw in proportion.
with termination_level as (
    select
        levels.level,
        levels.is_top_level,
        greatest(rule.floor, 1 - rule.level_dampener * (levels.level - 1)) as multiplier
    from {{ ref('stg_job_levels') }} as levels
    cross join {{ ref('termination_hazard_by_level') }} as rule
),

promotion_level as (
    select
        levels.level,
        rule.base * greatest(0, 1 - rule.level_dampener * (levels.level - 1)) as hazard
    from {{ ref('stg_job_levels') }} as levels
    cross join {{ ref('promotion_hazard') }} as rule
)

select
    leaving_age.age_band,
    leaving_tenure.tenure_band,
    termination_level.level,
    leaving_age.multiplier
    * leaving_tenure.multiplier
    * termination_level.multiplier as termination_weight,
    case
        when termination_level.is_top_level then 0
        else least(
            1, promotion_level.hazard * promotion_age.multiplier * promotion_tenure.multiplier
        )
    end as promotion_probability
from {{ ref('termination_hazard_by_age') }} as leaving_age
inner join {{ ref('promotion_hazard_by_age') }} as promotion_age
    on leaving_age.age_band = promotion_age.age_band
cross join {{ ref('termination_hazard_by_tenure') }} as leaving_tenure
inner join {{ ref('promotion_hazard_by_tenure') }} as promotion_tenure
    on leaving_tenure.tenure_band = promotion_tenure.tenure_band
cross join termination_level
inner join promotion_level
    on termination_level.level = promotion_level.level
