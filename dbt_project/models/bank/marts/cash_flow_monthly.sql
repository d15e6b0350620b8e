select
    provider,
    account_id,
    currency,
    date_trunc('month', day)::date as month,
    coalesce(sum(amount) filter (where amount > 0), 0)::decimal(38, 8) as money_in,
    coalesce(-sum(amount) filter (where amount < 0), 0)::decimal(38, 8) as money_out,
    sum(amount)::decimal(38, 8) as net,
    count(*) as transactions
from {{ ref('bank_transactions') }}
where not is_transfer
group by all
