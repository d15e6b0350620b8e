-- Shares as cumulative intervals [share_from, share_to) of (0, 1), for a uniform draw to fall in.
select
    age,
    share,
    coalesce(
        sum(share) over (order by age rows between unbounded preceding and 1 preceding), 0
    ) as share_from,
    sum(share) over (order by age) as share_to
from {{ ref('new_hire_ages') }}
