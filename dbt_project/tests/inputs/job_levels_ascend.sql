-- Levels are 1, 2, 3 ... without a gap, because a promotion leads to level + 1, and each pays
-- more than the one below at both ends of its band. Bands may leave gaps and may overlap.
with levels as (
    select
        level,
        level_name,
        min_compensation,
        max_compensation,
        row_number() over (order by level) as expected_level,
        lag(min_compensation, 1, 0) over (order by level) as min_below,
        lag(max_compensation, 1, 0) over (order by level) as max_below
    from {{ ref('job_levels') }}
)

select *
from levels
where
    not coalesce(
        level = expected_level
        and level_name is not null
        and min_compensation < max_compensation
        and min_compensation > min_below
        and max_compensation > max_below,
        false
    )
