{# Refunds reduce the amount spent; tagged income appears as a negative amount. #}
select
    coalesce(tags.tag, 'untagged') as tag,
    transactions.currency,
    date_trunc('month', transactions.day)::date as month,
    (-sum(transactions.amount))::decimal(38, 8) as spent,
    count(*) as transactions
from {{ ref('bank_transactions') }} as transactions
left join {{ source('unified', 'transaction_tags') }} as tags
    on transactions.transaction_key = tags.transaction_key
where not transactions.is_transfer
group by all
