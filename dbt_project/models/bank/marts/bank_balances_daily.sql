with movements as (
    select
        provider,
        account_id,
        currency,
        day,
        sum(amount) as booked,
        count(*) as transactions
    from {{ ref('bank_transactions') }}
    group by all
),

reported as (
    select
        provider,
        account_id,
        currency,
        min(reference_date) as first_day,
        max(reference_date) as last_day
    from {{ source('unified', 'balances') }}
    group by all
),

-- an account without movements has what its bank reports
known as (
    select
        provider,
        account_id,
        currency,
        min(day) as first_day,
        max(day) as last_day
    from movements
    group by all
),

spans as (
    select
        coalesce(known.provider, reported.provider) as provider,
        coalesce(known.account_id, reported.account_id) as account_id,
        coalesce(known.currency, reported.currency) as currency,
        coalesce(known.first_day, reported.first_day) as first_day,
        greatest(known.last_day, reported.last_day) as last_day
    from known
    full join reported
        on
            known.provider = reported.provider
            and known.account_id = reported.account_id
            and known.currency = reported.currency
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
    coalesce(movements.booked, 0)::decimal(38, 8) as booked,
    coalesce(movements.transactions, 0) as transactions,
    (
        opening.opening_balance + sum(coalesce(movements.booked, 0)) over (
            partition by days.provider, days.account_id, days.currency order by days.day
        )
    )::decimal(38, 8) as closing_balance,
    opening.balance_type
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
