{# Refunds reduce the amount spent; tagged income appears as a negative amount. #}
select
    coalesce(tags.tag, 'untagged') as tag,
    transactions.currency,
    date_trunc('month', transactions.booking_date)::date as month,
    (-sum(transactions.amount))::decimal(38, 4) as spent,
    count(*) as transactions
from {{ source('unified', 'transactions') }} as transactions
left join {{ source('unified', 'transaction_tags') }} as tags
    on transactions.transaction_key = tags.transaction_key
where transactions.status = 'booked'
group by all
