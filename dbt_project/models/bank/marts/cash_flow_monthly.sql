select
    provider,
    account_id,
    currency,
    date_trunc('month', booking_date)::date as month,
    coalesce(sum(amount) filter (where amount > 0), 0)::decimal(38, 4) as money_in,
    coalesce(-sum(amount) filter (where amount < 0), 0)::decimal(38, 4) as money_out,
    sum(amount)::decimal(38, 4) as net,
    count(*) as transactions
from {{ source('unified', 'transactions') }}
where status = 'booked'
group by all
