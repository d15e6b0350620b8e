with movements as (
    select
        provider,
        account_id,
        currency,
        booking_date as day,
        sum(amount) as booked,
        count(*) as transactions
    from {{ source('unified', 'transactions') }}
    where status = 'booked'
    group by all
),

reported as (
    select
        provider,
        account_id,
        currency,
        max(reference_date) as last_day
    from {{ source('unified', 'balances') }}
    group by all
),

spans as (
    select
        movements.provider,
        movements.account_id,
        movements.currency,
        min(movements.day) as first_day,
        greatest(max(movements.day), max(reported.last_day)) as last_day
    from movements
    left join reported
        on
            movements.provider = reported.provider
            and movements.account_id = reported.account_id
            and movements.currency = reported.currency
    group by all
),

days as (
    select
        provider,
        account_id,
        currency,
        unnest(generate_series(first_day, last_day, interval 1 day))::date as day
    from spans
)

select
    days.provider,
    days.account_id,
    days.currency,
    days.day,
    coalesce(movements.booked, 0)::decimal(38, 4) as booked,
    coalesce(movements.transactions, 0) as transactions,
    (
        opening.opening_balance + sum(coalesce(movements.booked, 0)) over (
            partition by days.provider, days.account_id, days.currency order by days.day
        )
    )::decimal(38, 4) as closing_balance
from days
left join movements
    on
        days.provider = movements.provider
        and days.account_id = movements.account_id
        and days.currency = movements.currency
        and days.day = movements.day
left join {{ source('unified', 'opening_balances') }} as opening
    on
        days.provider = opening.provider
        and days.account_id = opening.account_id
        and days.currency = opening.currency
