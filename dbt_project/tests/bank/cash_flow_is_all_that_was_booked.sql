{{ config(meta={"dagster": {"ref": {"name": "cash_flow_monthly"}}}) }}

-- Money in minus money out over all months equals everything booked except transfers.
with flows as (
    select
        currency,
        sum(money_in - money_out) as net
    from {{ ref('cash_flow_monthly') }}
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
    coalesce(flows.currency, booked.currency) as currency,
    flows.net as flows,
    booked.net as booked
from flows
full join booked on flows.currency = booked.currency
where flows.net is distinct from booked.net
