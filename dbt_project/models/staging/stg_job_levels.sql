select
    levels.level,
    levels.level_name,
    levels.min_compensation,
    levels.max_compensation,
    merit.merit_rate,
    levels.level = max(levels.level) over () as is_top_level
from {{ ref('job_levels') }} as levels
inner join {{ ref('merit_rates') }} as merit
    on levels.level = merit.level
