-- The configured share of each level among new hires. No rows: hires follow the current mix.
select
    fingerprint,
    level,
    share,
    coalesce(
        sum(share) over (
            partition by fingerprint
            order by level
            rows between unbounded preceding and 1 preceding
        ),
        0
    ) as share_from,
    sum(share) over (partition by fingerprint order by level) as share_to
from {{ source('simulation', 'hire_level_mix') }}
