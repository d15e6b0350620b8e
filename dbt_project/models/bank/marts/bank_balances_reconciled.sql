{#
    A bank reports either the balance at the end of the day, or what it had booked at the time of
    the request: a transaction that is booked later may have an earlier date. Both are accepted.
#}
with reports as (
    select
        balances.* exclude (amount),
        opening.opening_balance,
        -- what is left without the credit line, if that is known, is money of the account
        case
            when coalesce(balances.credit_limit_included, false)
                then balances.amount - chosen.credit_line
            else balances.amount
        end::decimal(22, 8) as amount
    from {{ source('unified', 'balances') }} as balances
    inner join {{ source('unified', 'opening_balances') }} as opening
        on
            balances.provider = opening.provider
            and balances.account_id = opening.account_id
            and balances.currency = opening.currency
    left join {{ source('unified', 'account_settings') }} as chosen
        on
            balances.provider = chosen.provider
            and balances.account_id = chosen.account_id
    where
        balances.balance_type in ('closingBooked', 'interimBooked')
        and coalesce(chosen.balance_type = balances.balance_type, true)
        and (
            chosen.credit_line is not null
            or not coalesce(balances.credit_limit_included, false)
        )
),

first_seen as (
    select
        transaction_key,
        min(seen_at) as booked_at
    from {{ source('unified', 'transaction_states') }}
    where status = 'booked'
    group by all
),

sightings as (
    select
        transactions.provider,
        transactions.account_id,
        transactions.currency,
        first_seen.booked_at,
        sum(transactions.amount) as booked
    from {{ source('unified', 'transactions') }} as transactions
    inner join first_seen on transactions.transaction_key = first_seen.transaction_key
    where transactions.status = 'booked'
    group by all
),

seen as (
    select
        provider,
        account_id,
        currency,
        booked_at,
        sum(booked) over (
            partition by provider, account_id, currency order by booked_at
        ) as booked_so_far
    from sightings
),

compared as (
    select
        reports.*,
        coalesce(daily.closing_balance, reports.opening_balance) as closing_balance,
        -- the answers about balances and about transactions do not arrive at the same moment
        reports.opening_balance + coalesce(seen.booked_so_far, 0) as balance_when_asked
    from reports
    asof left join {{ ref('bank_balances_daily') }} as daily
        on
            reports.provider = daily.provider
            and reports.account_id = daily.account_id
            and reports.currency = daily.currency
            and reports.reference_date >= daily.day
    asof left join seen
        on
            reports.provider = seen.provider
            and reports.account_id = seen.account_id
            and reports.currency = seen.currency
            and reports.reported_at + interval 1 hour >= seen.booked_at
)

select
    provider,
    account_id,
    currency,
    balance_type,
    reference_date,
    reported_at,
    amount as reported_balance,
    closing_balance,
    case
        when amount = balance_when_asked then 0
        else amount - closing_balance
    end::decimal(38, 8) as difference
from compared
