-- Shares as cumulative intervals [share_from, share_to) of (0, 1), for a uniform draw to fall in.
with own as (
    select
        row_key::integer as age,
        rate::decimal(9, 6) as share
    from {{ ref('stg_scenario_rates') }}
    where table_name = 'new_hire_ages'
),

ages as (
    select
        age,
        share
    from own

    union all

    select
        age,
        share
    from {{ ref('new_hire_ages') }}
    where not exists (from own)
)

select
    age,
    share,
    coalesce(
        sum(share) over (order by age rows between unbounded preceding and 1 preceding), 0
    ) as share_from,
    sum(share) over (order by age) as share_to
from ages
