{{ config(meta={"dagster": {"ref": {"name": "stg_hire_level_mix"}}}) }}

-- A configured mix names each level once, knows every level it names, and its shares add up to
-- 1. Without that a hire's draw could fall in no interval, or in two.
select
    mix.fingerprint,
    sum(mix.share) as total_share,
    min(mix.share) as lowest_share,
    count(*) as row_count,
    count(distinct levels.level) as known_levels
from {{ ref('stg_hire_level_mix') }} as mix
left join {{ ref('stg_job_levels') }} as levels
    on mix.level = levels.level
group by mix.fingerprint
having
    not coalesce(
        abs(sum(mix.share) - 1) < 0.000001
        and min(mix.share) >= 0
        and count(*) = count(distinct levels.level),
        false
    )
