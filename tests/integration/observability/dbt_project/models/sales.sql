with orders as (
    select * from {{ source('raw', 'orders') }}
)

select
    orders.day,
    orders.article,
    orders.pieces * prices.price as amount
from orders
inner join {{ ref('prices') }} as prices on orders.article = prices.article
