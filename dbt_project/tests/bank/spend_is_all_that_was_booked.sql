{{ config(meta={"dagster": {"ref": {"name": "spend_by_tag_monthly"}}}) }}

-- Every booked transaction except transfers, tagged or not, counts in one tag and month.
with spends as (
    select
        currency,
        -sum(spent) as net
    from {{ ref('spend_by_tag_monthly') }}
    group by all
),

booked as (
    select
        currency,
        sum(amount) as net
    from {{ ref('bank_transactions') }}
    where not is_transfer
    group by all
)

select
    coalesce(spends.currency, booked.currency) as currency,
    spends.net as spends,
    booked.net as booked
from spends
full join booked on spends.currency = booked.currency
where spends.net is distinct from booked.net
